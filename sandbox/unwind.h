/*
 * unwind.h - a thread that is stopped in the stub, seen as at the system call of its site.
 */
#ifndef SANDBOX_UNWIND_H
#define SANDBOX_UNWIND_H

#include "machine.h"

struct vthread;

enum unwound {
	UNWOUND_NOT,	 /* it is elsewhere: nothing changed */
	UNWOUND_PENDING, /* it has not made its call: as at the trap, orig_rax has the number */
	UNWOUND_DONE,	 /* it comes back from it, rax has the result */
};

/* Where the stub's own `syscall` comes back. */
uaddr_t unwind_called(void);
/* th is in a ptrace stop, its registers are loaded. */
enum unwound unwind(struct vthread *th);
/* th faulted in the stub: was that because it has no mailbox, or as the stub fetched what an
 * argument points to?  Then as UNWOUND_PENDING. */
bool unwind_fault(struct vthread *th, int signo);
/* th faulted while the stub copied: then the call ends with EFAULT, as it were. */
bool unwind_copy_fault(struct vthread *th);
/* th faulted on its way to registers that the kernel has set: it is shown as there. */
bool unwind_restoring(struct vthread *th);
/* The arithmetic flags as lahf and seto have left them in ax. */
void unwind_flags(struct regs *r, uint32_t ax);
/* th stands at a `syscall` that it is now taken to have made. */
void unwind_site(struct vthread *th);
/* If th stands behind the stub's `syscall`: as if it were behind that of the site. */
void unwind_behind(struct vthread *th);
/* The same for one whose call the kernel has already. */
void unwind_taken(struct vthread *th);

#endif
