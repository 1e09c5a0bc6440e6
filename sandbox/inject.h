/*
 * inject.h - orders to a held thread.
 */
#ifndef SANDBOX_INJECT_H
#define SANDBOX_INJECT_H

#include "machine.h"

struct vthread;

int inject_call(struct vthread *th, uint64_t nr, const uint64_t arg[6], long *result);
int inject_batch(struct vthread *th, size_t n, size_t *done); /* runs stub.orders[0..n) */
int inject_cmpxchg(struct vthread *th, uaddr_t addr, uint32_t expect, uint32_t desire,
		   uint32_t *seen);

#endif
