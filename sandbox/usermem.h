/*
 * usermem.h - copying to and from guest memory.
 */
#ifndef SANDBOX_USERMEM_H
#define SANDBOX_USERMEM_H

#include "machine.h"

struct vthread;

size_t mem_read(struct vthread *th, uaddr_t from, void *to, size_t len);
size_t mem_write(struct vthread *th, uaddr_t to, const void *from, size_t len);
uint64_t mem_resident(struct vthread *th);
size_t mem_pages(struct vthread *th, uaddr_t addr, size_t n, uint64_t *out);

#endif
