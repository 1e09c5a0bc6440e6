/*
 * stub.h - the pages that the machine keeps in every guest space.
 */
#ifndef SANDBOX_STUB_H
#define SANDBOX_STUB_H

#include "machine.h"

struct vthread;

struct order { /* one host call for the stub's batch routine; layout known to stub_code.S */
	uint64_t nr;
	uint64_t arg[6];
	uint64_t unused;
};
#define ORDERS_MAX	(PAGE_SIZE / sizeof(struct order))
#define STUB_SLOT_SIZE	128
#define STUB_SLOTS_SIZE (4 * PAGE_SIZE)
#define STUB_SIZE	(2 * PAGE_SIZE + STUB_SLOTS_SIZE) /* code, orders, slots */

struct stub {
	uaddr_t base; /* code page; the order page follows */
	uaddr_t lo;   /* what is reserved begins here, below base (turbo.h) */
	int memfd;
	struct order *orders;	      /* the supervisor's writable view of the order page */
	uaddr_t call, batch, cmpxchg; /* entry points */
	uaddr_t follow, follow_good, follow_end;
	/* Our view of the slots of follow.c, and where guests have them. */
	void *slots;
	uaddr_t slots_at;
	struct vthread *slot_owner[STUB_SLOTS_SIZE / STUB_SLOT_SIZE];
	uaddr_t zeroes, ones; /* 64 bytes of each, readable */
	/* what an allowed call must carry under seccomp; 0 under ptrace */
	uint64_t secret;
};
extern struct stub stub;
/* room: bytes to keep free below the stub's pages. */
int stub_init(uaddr_t avoid_lo, uaddr_t avoid_hi, size_t room);
int stub_map(struct vthread *th); /* into the zygote, from where it is inherited */
void stub_fini(void);

#endif
