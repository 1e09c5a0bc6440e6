/*
 * vm.h - changes to an address space.
 */
#ifndef SANDBOX_VM_H
#define SANDBOX_VM_H

#include "machine.h"

struct vthread;

int vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done);

#endif
