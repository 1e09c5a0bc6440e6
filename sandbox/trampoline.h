/*
 * trampoline.h - what a patched site jumps to: the way from it into the stub.
 */
#ifndef SANDBOX_TRAMPOLINE_H
#define SANDBOX_TRAMPOLINE_H

#include "machine.h"

struct patch_plan;

#define TRAMPOLINE_SIZE 64U /* bytes of code */

/* One patched site of some file: the number of its slot and of its trampoline. */
struct trampoline {
	bool used;
	uint8_t displaced_len; /* the instructions that it begins with */
	uint16_t module;       /* which place of TURBO_MODULES holds the file's address */
	uint32_t sys;	       /* offset of the file's `syscall` */
	uint32_t start;	       /* ... and of the first replaced instruction */
};

/* Where a thread stands. */
enum trampoline_step {
	TRAMPOLINE_NOT,	   /* in no trampoline, or where none of ours begins an instruction */
	TRAMPOLINE_BEFORE, /* as before the first replaced instruction */
	TRAMPOLINE_CALL,   /* as before the `syscall` */
};

/* Write the trampoline for a plan of module's file and aim the plan at its slot.  Returns its
 * number, or -ENOSPC. */
int trampoline_make(struct patch_plan *plan, unsigned module);
void trampoline_free(int number);
enum trampoline_step trampoline_at(uaddr_t rip, const struct trampoline **out);
unsigned trampolines_made(void); /* since the start, those that went with their file too */
void trampolines_fini(void);

#endif
