/*
 * turbo.h - where the turbo machine keeps its things in a guest's space, and how its parts meet.
 *
 * Turbo is the seccomp machine plus two things: call sites rewritten to jump to a stub (patch.c,
 * text.c, trampoline.c), and mailboxes through which that stub hands a call to the supervisor with
 * no host call (mailbox.c, turbo_stub.S).
 *
 * Low, at fixed addresses, so that seven bytes can name them:
 *
 *	0x60000  slots		one address for each patched site; the same page in all spaces
 *	0x78000  control	is the supervisor polling, what to do with each call; the same
 *	0x79000  published	what the kernel has published of this process
 *	0x7a000  modules	where this space has its patched files
 *
 * A patched site ends in `jmp *slot`, whose fifth byte is bits 16..23 of the slot's address: 06 or
 * 07, which no processor executes in 64-bit mode.  That byte lies where the syscall instruction
 * was, so that who comes back there (a jump, a restarted call) is caught.
 *
 * High, in the room that stub.h keeps free below the stub's own pages:
 *
 *	turbo.code		turbo_stub.S, read and execute
 *	turbo.trampolines	trampoline.c's, read and execute
 *	turbo.boxes		a mailbox for each thread
 *
 * Slots, control, code and trampolines are mapped once, in the zygote, and inherited.  What belongs
 * to one space (published, modules, mailboxes) is not inherited by fork (MADV_DONTFORK) and given to
 * a space when it first misses it: by a fault of the stub or of a trampoline.
 *
 * Assembly includes this file, too.
 */
#ifndef SANDBOX_TURBO_H
#define SANDBOX_TURBO_H

#define TURBO_LOW	 0x60000
#define TURBO_SLOTS	 0x60000
#define TURBO_SLOTS_SIZE 0x18000
#define TURBO_SITES_MAX	 (TURBO_SLOTS_SIZE / 8)
#define TURBO_CONTROL	 0x78000
#define TURBO_PUBLISHED	 0x79000
#define TURBO_MODULES	 0x7a000
#define TURBO_LOW_END	 0x80000

#define TURBO_MODULES_MAX 512 /* eight bytes each: the address of the module, 0 when none */

#define TURBO_CODE_SIZE	       0x2000
#define TURBO_TRAMPOLINES_SIZE 0x100000
#define BOX_SIZE	       0x2000
#define TURBO_BOXES_MAX	       1024 /* in one space; threads beyond go the slow way */
#define TURBO_BOXES_SIZE       (TURBO_BOXES_MAX * BOX_SIZE)
#define TURBO_ROOM	       (TURBO_CODE_SIZE + TURBO_TRAMPOLINES_SIZE + TURBO_BOXES_SIZE)

/*
 * A trampoline enters the stub at turbo.entry by a jump, with
 *
 *	rax	the number of the call
 *	rcx	the return address: that of the instruction after the site's `syscall`
 *	r11	anything
 *	all else, the flags too, as it was at the `syscall`
 *
 * and the stub goes to rcx as the host would have come back from it.  It uses no stack.
 */

#ifndef __ASSEMBLER__
#include "machine.h"

struct vthread;

/* What the threads of one space share. */
struct turbo_space {
	unsigned refs;
	int unit;	   /* its pages among the supervisor's, -1 when it has none yet */
	uint64_t *modules; /* the supervisor's view of TURBO_MODULES, NULL when none yet */
	/* text.c's, from here on */
	void *text;
};

extern struct turbo {
	uaddr_t code, entry;	    /* the stub's page and its entry */
	uaddr_t trampolines, boxes; /* where those ranges begin */
	int trampolines_fd;	    /* memfd of TURBO_TRAMPOLINES_SIZE, mapped in all spaces */
	uint8_t *trampolines_view;  /* the supervisor's writable view of it */
	uint64_t *slots;	    /* the supervisor's writable view of the slots */
} turbo;

#endif
#endif
