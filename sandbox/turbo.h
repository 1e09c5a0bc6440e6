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
 * to one space (published, modules, mailboxes) is not inherited by fork (MADV_DONTFORK) and given
 *to a space when it first misses it: by a fault of the stub or of a trampoline.
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

#define TURBO_CODE_SIZE	       0x2000 /* sched_yield() is allowed from the first page */
#define TURBO_TRAMPOLINES_SIZE 0x100000
#define BOX_SIZE	       0xd000
#define SPACE_UNIT	       0x2000 /* published and modules */
#define TURBO_BOXES_MAX	       1024   /* in one space; threads beyond go the slow way */
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

/* A mailbox; the gs base of its thread points to it.  Offsets for turbo_stub.S. */
#define BOX_MAGIC	  0x6b786f62
#define BOX_AT_STATE	  0x00
#define BOX_AT_NR	  0x04
#define BOX_AT_ARG	  0x08
#define BOX_AT_RET	  0x38
#define BOX_AT_MAGIC	  0x40
#define BOX_AT_FLAGS	  0x44
#define BOX_AT_SPINS	  0x48
#define BOX_AT_YIELDS	  0x4c
#define BOX_AT_LEFT	  0x50
#define BOX_AT_LATE	  0x54
#define BOX_AT_RESULT	  0x58
#define BOX_AT_LATE_TO	  0x60
#define BOX_AT_RDX	  0x68
#define BOX_AT_EARLY_FROM 0x70
#define BOX_AT_EARLY	  0x78
#define BOX_AT_RESTORE	  0x7c
#define BOX_AT_KNOWN	  0x80
#define BOX_AT_REGS	  0x100
#define BOX_AT_STACK	  0x1e0
#define BOX_AT_EARLY_DATA 0x400
#define BOX_EARLY_MAX	  0x400
#define BOX_EARLY_STRING  0x100
#define BOX_AT_DATA	  0x1000
#define BOX_DATA_MAX	  0x4000
#define BOX_AT_AHEAD	  0xc8
#define AHEAD_LISTS	  8 /* a power of two */
#define BOX_AT_ZERO	  0xb8
#define BOX_AT_AHEAD_USED 0xc0
#define BOX_AT_ANSWERS	  0x5000
#define BOX_ANSWERS_MAX	  0x6000
#define BOX_AT_XSTATE	  0xb000
#define BOX_XSTATE_MAX	  0x1000
#define BOX_AT_FRAME	  0xc000
#define BOX_FRAME_MAX	  0x1000

/* Answers to calls before they are made (ahead.c): a list of such records. */
#define AHEAD_AT_NR	 0x00
#define AHEAD_AT_NEXT	 0x04
#define AHEAD_AT_UNTIL	 0x08
#define AHEAD_AT_ARG	 0x10
#define AHEAD_AT_KEY_AT	 0x18
#define AHEAD_AT_KEY_AT2 0x1c
#define AHEAD_AT_KEY	 0x20
#define AHEAD_AT_KEY2	 0x28
#define AHEAD_AT_RESULT	 0x30
#define AHEAD_AT_PATH	 0x38
#define AHEAD_AT_COUNTS	 0x3c
#define AHEAD_AT_TO_AT	 0x40
#define AHEAD_AT_DATA	 0x44
#define AHEAD_AT_LEN	 0x48
#define AHEAD_AT_ARG_AT	 0x4c
#define AHEAD_AT_KIND	 0x50
#define AHEAD_AT_TEXT	 0x58
/* What becomes of an answer that is given. */
#define AHEAD_ONCE 0
#define AHEAD_KEEP 1 /* it stays for the next time */
#define AHEAD_POST 2 /* the call has an effect: who sets `until` to 0 decides if it was made */

/* box.regs: struct regs. */
#define REGS_AT_R15	0x00
#define REGS_AT_R14	0x08
#define REGS_AT_R13	0x10
#define REGS_AT_R12	0x18
#define REGS_AT_RBP	0x20
#define REGS_AT_RBX	0x28
#define REGS_AT_R11	0x30
#define REGS_AT_R10	0x38
#define REGS_AT_R9	0x40
#define REGS_AT_R8	0x48
#define REGS_AT_RAX	0x50
#define REGS_AT_RCX	0x58
#define REGS_AT_RDX	0x60
#define REGS_AT_RSI	0x68
#define REGS_AT_RDI	0x70
#define REGS_AT_RIP	0x80
#define REGS_AT_EFLAGS	0x90
#define REGS_AT_RSP	0x98
#define REGS_AT_FS_BASE 0xa8
#define REGS_AT_DS	0xb8
#define REGS_AT_ES	0xc0
#define REGS_AT_FS	0xc8
#define REGS_AT_GS	0xd0

/* A signal frame from its return address on (ukernel/kern/sigframe.c). */
#define FRAME_AT_FPSTATE 0xe8 /* where its xstate is, */
#define FRAME_TO_IMAGE	 1024 /* ... if that is no further behind */

/* box.state */
#define BOX_IDLE    0
#define BOX_REQUEST 1 /* the guest: here is a call */
#define BOX_TAKEN   2 /* the supervisor: I have it */
#define BOX_DONE    3 /* the supervisor: arg[0] is the result */
#define BOX_PARKED  4 /* the guest: I will not look here any more, but make the call for real */
#define BOX_CALLED  5 /* the guest: here is a call, and I wait for its answer in another one */

/* box.restore: what is to be put in place of coming back from the call */
#define RESTORE_REGS   1 /* box.regs, but for selectors and bases */
#define RESTORE_XSTATE 2 /* box.xstate, too */
#define RESTORE_ANY    3
#define RESTORE_CAN    4 /* the guest: they are all here */

/* The control page. */
#define CONTROL_POLLING	 (TURBO_CONTROL + 0)
#define CONTROL_XMASK	 (TURBO_CONTROL + 16)
#define CONTROL_IMAGE	 (TURBO_CONTROL + 24)
#define CONTROL_SHAPE	 (TURBO_CONTROL + 0x100)
#define SHAPES_MAX	 512
#define CONTROL_FETCH	 (TURBO_CONTROL + 0x300)
#define CONTROL_FETCH_IF (TURBO_CONTROL + 0x304)

/* What the stub does with a call: control.shape[nr]. */
#define SHAPE_DIRECT	0    /* makes it for real at once */
#define SHAPE_REQUEST	1    /* puts it into the mailbox */
#define SHAPE_FETCH	2    /* and more: copies what control.fetch says for it, then the same */
#define SHAPE_PUBLISHED 0x80 /* + index: box.known may have the answer */
/* and more: all registers come with it (carry.c); then SHAPE_FETCH and so on, or a signal frame */
#define SHAPE_CARRY	  0xc0
#define SHAPE_CARRY_FRAME 0xc1

#ifndef __ASSEMBLER__
#include <stddef.h>

#include "machine.h"

struct vthread;

struct box {
	uint32_t state, nr;
	uint64_t arg[6]; /* arg[0] becomes the result */
	uint64_t ret;
	/* the stub's own from here; the supervisor reads it only to unwind a stopped thread */
	uint32_t magic, flags; /* flags: ah as lahf gives it, al = OF */
	uint32_t spins,
	    yields; /* how patient to be: pauses before a yield, yields before parking */
	uint32_t left;
	uint32_t late; /* bytes of data that the stub copies to late_to before it goes back */
	int64_t result;
	uint64_t late_to, rdx;
	/* for the supervisor: so many bytes from there are in early_data */
	uint64_t early_from;
	uint32_t early;
	uint32_t restore; /* RESTORE_ANY: not to come back from the call as usual */
	/* Answers to give at once, plus 1; 0: not known.  A guest that writes here lies to itself.
	 */
	uint64_t known[PUBLISHED_MAX];
	uint64_t zero;
	uint32_t ahead_used; /* sum of `counts` of those that were given */
	uint32_t spare;
	/* Offsets here of the first of answers[], 0: none; which list, by the call's number. */
	uint32_t ahead[AHEAD_LISTS];
	uint8_t unused[BOX_AT_REGS - BOX_AT_AHEAD - 4 * AHEAD_LISTS];
	/* carry.c: both ways; the arguments come in arg[], other flags than AC DF ID NT in flags */
	struct regs regs;
	uint64_t spare_too, stack; /* stack: for one word, the address behind that of regs.eflags */
	uint8_t unused_too[BOX_AT_EARLY_DATA - BOX_AT_STACK - 8];
	uint8_t early_data[BOX_EARLY_MAX];
	uint8_t more[BOX_AT_DATA - BOX_AT_EARLY_DATA - BOX_EARLY_MAX];
	uint8_t data[BOX_DATA_MAX];
	uint8_t answers[BOX_ANSWERS_MAX];
	uint8_t xstate[BOX_XSTATE_MAX]; /* as XSAVE has it */
	uint8_t frame[BOX_FRAME_MAX];	/* early_data of rt_sigreturn() */
};

/* An answer that the stub gives by itself to one call: the number, three words of the mailbox (at
 * arg_at and key_at) and the path that came with it must be these. */
struct ahead_answer {
	uint32_t nr, next; /* next: offset in the mailbox, 0 at the end */
	uint64_t until;	   /* on the CPU's counter of cycles; 0: given, or taken back */
	uint64_t arg;
	uint32_t key_at[2];
	uint64_t key[2];
	int64_t result;
	uint32_t path; /* bytes of text, its NUL too; 0: there is no path */
	uint32_t counts;
	uint32_t to_at, data,
	    len; /* len bytes (of eight) from data to where the word at to_at says */
	uint32_t arg_at, kind, unused;
	char text[];
};
_Static_assert(sizeof(struct box) == BOX_SIZE, "as it is mapped");
_Static_assert(offsetof(struct box, late) == BOX_AT_LATE, "as the stub has it");
_Static_assert(offsetof(struct box, late_to) == BOX_AT_LATE_TO, "as the stub has it");
_Static_assert(offsetof(struct box, rdx) == BOX_AT_RDX, "as the stub has it");
_Static_assert(offsetof(struct box, early_from) == BOX_AT_EARLY_FROM, "as the stub has it");
_Static_assert(offsetof(struct box, early) == BOX_AT_EARLY, "as the stub has it");
_Static_assert(offsetof(struct box, early_data) == BOX_AT_EARLY_DATA, "as the stub has it");
_Static_assert(offsetof(struct box, data) == BOX_AT_DATA, "as the stub has it");
_Static_assert(offsetof(struct box, known) == BOX_AT_KNOWN, "as the stub has it");
_Static_assert(offsetof(struct box, ahead) == BOX_AT_AHEAD, "as the stub has it");
_Static_assert(AHEAD_LISTS == 8, "as many as the stub clears");
_Static_assert(offsetof(struct box, ahead_used) == BOX_AT_AHEAD_USED, "as the stub has it");
_Static_assert(offsetof(struct box, answers) == BOX_AT_ANSWERS, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, until) == AHEAD_AT_UNTIL, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, key) == AHEAD_AT_KEY, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, result) == AHEAD_AT_RESULT, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, counts) == AHEAD_AT_COUNTS, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, len) == AHEAD_AT_LEN, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, kind) == AHEAD_AT_KIND, "as the stub has it");
_Static_assert(offsetof(struct box, zero) == BOX_AT_ZERO, "as the stub has it");
_Static_assert(offsetof(struct ahead_answer, text) == AHEAD_AT_TEXT, "as the stub has it");
_Static_assert(offsetof(struct box, ret) == BOX_AT_RET, "as the stub has it");
_Static_assert(offsetof(struct box, magic) == BOX_AT_MAGIC, "as the stub has it");
_Static_assert(offsetof(struct box, left) == BOX_AT_LEFT, "as the stub has it");
_Static_assert(offsetof(struct box, result) == BOX_AT_RESULT, "as the stub has it");
_Static_assert(offsetof(struct box, restore) == BOX_AT_RESTORE, "as the stub has it");
_Static_assert(BOX_AT_RESTORE == BOX_AT_EARLY + 4, "the stub clears both at once");
_Static_assert(offsetof(struct box, regs) == BOX_AT_REGS, "as the stub has it");
_Static_assert(offsetof(struct box, stack) == BOX_AT_STACK, "as the stub has it");
_Static_assert(offsetof(struct box, xstate) == BOX_AT_XSTATE, "as the stub has it");
_Static_assert(offsetof(struct box, frame) == BOX_AT_FRAME, "as the stub has it");
_Static_assert(offsetof(struct regs, rdi) == REGS_AT_RDI, "as the stub has it");
_Static_assert(offsetof(struct regs, rip) == REGS_AT_RIP, "as the stub has it");
_Static_assert(offsetof(struct regs, rsp) == REGS_AT_RSP, "as the stub has it");
_Static_assert(REGS_AT_RSP == REGS_AT_EFLAGS + 8, "the stack begins there");
_Static_assert(offsetof(struct regs, gs) == REGS_AT_GS, "as the stub has it");

/* What the stub fetches for a call of that shape, from where its arguments say.  Offsets are those
 * of box.arg[]. */
struct fetch {
	uint8_t from;	 /* offset of the address */
	uint8_t count;	 /* ... of how many, 0: one */
	uint16_t size;	 /* bytes of each, 0: a string */
	uint32_t if_arg; /* only if the bit is set whose number is in the low bits of arg[1] */
};

struct control {
	uint32_t polling; /* the supervisor looks at the mailboxes now */
	uint32_t unused;
	uint64_t entry; /* turbo.entry, for tests */
	uint64_t xmask; /* which parts of the xstate a carried call brings and takes back */
	uint32_t image; /* so many bytes of a signal frame are its xstate, and its end */
	uint32_t spare;
	uint8_t more[0x100 - 32];
	uint8_t shape[SHAPES_MAX];
	struct fetch fetch[SHAPE_PUBLISHED];
};
_Static_assert(offsetof(struct control, shape) == CONTROL_SHAPE - TURBO_CONTROL, "in the stub");
_Static_assert(offsetof(struct control, fetch) == CONTROL_FETCH - TURBO_CONTROL, "in the stub");
_Static_assert(offsetof(struct control, xmask) == CONTROL_XMASK - TURBO_CONTROL, "in the stub");
_Static_assert(offsetof(struct control, image) == CONTROL_IMAGE - TURBO_CONTROL, "in the stub");
_Static_assert(sizeof(struct control) <= PAGE_SIZE, "one page");

/* What the threads of one space share. */
struct turbo_space {
	unsigned refs;
	int unit;	     /* its pages among the supervisor's, -1 when it has none yet */
	uint64_t *published; /* the supervisor's view of them, NULL when none yet: the values ... */
	uint64_t *modules;   /* ... and TURBO_MODULES */
	uint64_t used[TURBO_BOXES_MAX / 64]; /* which places for mailboxes are taken */
	uint16_t box_unit[TURBO_BOXES_MAX];  /* what is mapped there for good, plus 1; 0: nothing */
	/* text.c's, from here on */
	void *text;
};

/* What the rewriting of call sites wants to know of spaces and threads; all may be NULL. */
extern struct turbo_parts {
	int (*space_init)(struct turbo_space *space); /* a new one, empty ... */
	int (*space_clone)(struct turbo_space *space, const struct turbo_space *from); /* fork */
	void (*space_fini)(struct turbo_space *space);
	void (*space_given)(struct turbo_space *space); /* space->modules is known now */
	/* If r->rip is in a trampoline: make it what the program knows. */
	bool (*unwind)(const struct vthread *th, struct regs *r);
	/* th made a call by a real `syscall` of its own, which returns to ip. */
	void (*trapped)(struct vthread *th, uaddr_t ip);
	/* th raised a signal.  1: what was meant is a call, the registers are as just before it and
	 * rip is that of the `syscall`; 0: nothing happened, let it go on; -1: neither. */
	int (*fault)(struct vthread *th, int signo);
} turbo_parts;

/* How calls came; for --trace=patch. */
extern struct turbo_counts {
	unsigned long boxed;   /* by a mailbox */
	unsigned long direct;  /* by the stub's own `syscall` */
	unsigned long trapped; /* by one in the program */
	unsigned long caught;  /* at the place where one was */
} turbo_counts;

extern struct turbo {
	uaddr_t code, entry;	    /* the stub's page and its entry */
	uaddr_t trampolines, boxes; /* where those ranges begin */
	int trampolines_fd;	    /* memfd of TURBO_TRAMPOLINES_SIZE, mapped in all spaces */
	uint8_t *trampolines_view;  /* the supervisor's writable view of it */
	uint64_t *slots;	    /* the supervisor's writable views of the slots ... */
	struct control *control;    /* ... and the control page */
} turbo;

#endif
#endif
