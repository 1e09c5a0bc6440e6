/*
 * site.h - what happens at the places where system calls are made.
 */
#ifndef SANDBOX_SITE_H
#define SANDBOX_SITE_H

#include "machine.h"

struct regs;
struct vthread;

/* th has trapped by a real `syscall`, which returns to ip.  May rewrite the site. */
void site_trapped(struct vthread *th, uaddr_t ip);

/* th raised a signal (SIGILL, SIGSEGV, ...) that might be the doing of a patched site: at the place
 * where `syscall` was, in a jump that leads to a trampoline, or in a trampoline. */
enum site_fault {
	SITE_IS_NOT = -1,  /* none of ours, or it is one that the program itself brought about: its
			    * registers are right now */
	SITE_IS_CALL = 1,  /* what was meant is a system call; the registers are as just before it,
			    * rip is that of the `syscall` instruction */
	SITE_IS_GO_ON = 0, /* nothing happened: let it go on */
};
int site_fault(struct vthread *th, int signo); /* one of these */

/* If r->rip is in a trampoline, or on the way to it: make it what the program knows. */
bool site_unwind(const struct vthread *th, struct regs *r);

/* Rewriting on and off: for turbo.c. */
void sites_init(void (*note)(const char *text)); /* machine_config.note */
void sites_fini(void);

#endif
