/*
 * unwind.c - a thread that is stopped in the stub, seen as at the system call of its site.
 *
 * The stub's labels say where the number, the return address and the flags are at each of its
 * instructions.  A guest can stop with any registers at any of them, and write to its mailbox: it
 * gets what it has put there, which can be no more than registers of its own choice.
 */
#include "unwind.h"

#include <errno.h>
#include <signal.h>

#include "carry.h"
#include "late.h"
#include "regs.h"
#include "turbo.h"
#include "vthread.h"

#define RESTART_CALL	 (-512) /* the host's ERESTARTSYS */
#define FLAGS_ARITHMETIC 0x8d5UL
#define SYSCALL_LEN	 2
#define FLAG_OVERFLOW	 0x800UL

extern const char turbo_stub[], turbo_stub_end[], turbo_stub_entry[], turbo_stub_nr[],
    turbo_stub_magic[], turbo_stub_flags[], turbo_stub_kept[], turbo_stub_fetching[],
    turbo_stub_fetched[], turbo_stub_asked[], turbo_stub_direct[], turbo_stub_called[],
    turbo_stub_answered[], turbo_stub_late[], turbo_stub_copying[], turbo_stub_copied[],
    turbo_stub_published[], turbo_stub_done[], turbo_stub_refuse[], turbo_stub_ahead[],
    turbo_stub_ahead_not[], turbo_stub_ahead_post[], turbo_stub_ahead_posted[],
    turbo_stub_ahead_given[], turbo_stub_stacked[], turbo_stub_unstacked[], turbo_stub_restoring[];

static bool between(uaddr_t at, const char *from, const char *to)
{
	return at >= (uaddr_t)(from - turbo_stub) && at < (uaddr_t)(to - turbo_stub);
}

uaddr_t unwind_called(void)
{
	return turbo.code + (uaddr_t)(turbo_stub_called - turbo_stub);
}

/* Copying what an argument points to, or an answer to there; nothing has been done that would not
 * be right once more. */
static bool reading(uaddr_t at)
{
	return between(at, turbo_stub_fetching, turbo_stub_fetched) ||
	       between(at, turbo_stub_ahead, turbo_stub_ahead_not) ||
	       between(at, turbo_stub_ahead_post, turbo_stub_ahead_posted);
}

void unwind_flags(struct regs *r, uint32_t ax)
{
	r->eflags &= ~FLAGS_ARITHMETIC;
	r->eflags |= ax >> 8 & FLAGS_ARITHMETIC & ~FLAG_OVERFLOW;
	r->eflags |= ax & 1 ? FLAG_OVERFLOW : 0;
}

/* As the host comes back from a call; rax and orig_rax are the caller's business. */
static void returned(struct vthread *th, uaddr_t ret)
{
	struct regs *r = &th->regs;

	r->rip = r->rcx = ret;
	r->r11 = r->eflags;
	th->dirt = th->dirt == DIRT_ALL || r->cs != GUEST_CS ? DIRT_ALL : DIRT_GENERAL;
}

static enum unwound pending(struct vthread *th, uint64_t nr, uaddr_t ret)
{
	returned(th, ret);
	th->regs.orig_rax = (uint32_t)nr;
	th->regs.rax = (uint64_t)-ENOSYS;
	if (th->box != NULL)
		__atomic_store_n(&th->box->state, BOX_IDLE, __ATOMIC_RELAXED);
	return UNWOUND_PENDING;
}

/* Where the copying began. */
static void reading_undo(struct vthread *th, uaddr_t at)
{
	if (between(at, turbo_stub_stacked, turbo_stub_unstacked))
		th->regs.rsp = th->box->regs.rsp;
	th->regs.rdx = th->box->arg[2];
}

static enum unwound done(struct vthread *th, uint64_t result)
{
	if (th->box->restore & RESTORE_ANY) {
		carry_arrived(th);
		return UNWOUND_DONE;
	}
	returned(th, th->box->ret);
	th->regs.rax = result;
	th->regs.orig_rax = (uint64_t)-1;
	return UNWOUND_DONE;
}

/* Not yet in the mailbox. */
static enum unwound unwind_early(struct vthread *th, uaddr_t at)
{
	struct regs *r = &th->regs;
	uint64_t nr = between(at, turbo_stub_entry, turbo_stub_nr) ? r->rax : r->r11;

	if (!between(at, turbo_stub_entry, turbo_stub_flags))
		unwind_flags(r, (uint32_t)r->rax);
	return pending(th, nr, r->rcx);
}

enum unwound unwind(struct vthread *th)
{
	struct regs *r = &th->regs;
	uaddr_t at = r->rip - turbo.code;
	struct box *box = th->box;

	if (r->cs != GUEST_CS)
		return UNWOUND_NOT;
	if (turbo_parts.unwind != NULL && turbo_parts.unwind(th, r)) {
		th->dirt = th->dirt == DIRT_ALL ? DIRT_ALL : DIRT_GENERAL;
		return UNWOUND_DONE;
	}
	if (at >= (uaddr_t)(turbo_stub_end - turbo_stub))
		return UNWOUND_NOT;
	if (at < (uaddr_t)(turbo_stub_kept - turbo_stub) ||
	    between(at, turbo_stub_refuse, turbo_stub_end))
		return unwind_early(th, at);
	if (box == NULL)
		return UNWOUND_NOT;
	unwind_flags(r, box->flags);
	if (th->answer_owed && between(at, turbo_stub_asked, turbo_stub_answered)) {
		th->answer_owed = false;
		return done(th, (uint64_t)th->answer);
	}
	if (between(at, turbo_stub_asked, turbo_stub_direct) && box->state == BOX_DONE) {
		late_untaken(th);
		return done(th, box->arg[0]);
	}
	if (at == (uaddr_t)(turbo_stub_called - turbo_stub)) {
		if (th->call_open) { /* a trace stop */
			returned(th, box->ret);
			return UNWOUND_PENDING;
		}
		if ((int64_t)r->rax == RESTART_CALL && (int64_t)r->orig_rax >= 0)
			return pending(th, box->nr, box->ret);
	}
	if (between(at, turbo_stub_called, turbo_stub_answered)) {
		late_untaken(th);
		return done(th, r->rax);
	}
	if (between(at, turbo_stub_ahead_post, turbo_stub_published)) {
		bool made = !reading(at) && (r->rax != 0 || !between(at, turbo_stub_ahead_posted,
								     turbo_stub_ahead_given));

		r->rdx = box->arg[2];
		return made ? done(th, (uint64_t)box->result) : pending(th, box->nr, box->ret);
	}
	if (between(at, turbo_stub_answered, turbo_stub_published)) {
		if (between(at, turbo_stub_copying, turbo_stub_copied))
			r->rdx = box->rdx;
		late_untaken(th);
		return done(th, between(at, turbo_stub_answered, turbo_stub_late)
				    ? box->arg[0]
				    : (uint64_t)box->result);
	}
	if (between(at, turbo_stub_done, turbo_stub_refuse))
		return done(th, (uint64_t)box->result);
	if (reading(at))
		reading_undo(th, at);
	return pending(th, box->nr, box->ret);
}

/* An argument points to nowhere, or the guest has jumped to here: the kernel will see. */
static bool unwind_fetch_fault(struct vthread *th, uaddr_t at)
{
	if (!reading(at) || th->box == NULL)
		return false;
	unwind_flags(&th->regs, th->box->flags);
	reading_undo(th, at);
	pending(th, th->box->nr, th->box->ret);
	return true;
}

bool unwind_fault(struct vthread *th, int signo)
{
	uaddr_t at = th->regs.rip - turbo.code;

	if (signo != SIGTRAP && unwind_fetch_fault(th, at))
		return true;
	if (at != (uaddr_t)(turbo_stub_magic - turbo_stub) &&
	    at != (uaddr_t)(turbo_stub_refuse - turbo_stub))
		return false;
	unwind_early(th, at);
	return true;
}

bool unwind_restoring(struct vthread *th)
{
	uaddr_t at = th->regs.rip - turbo.code;

	if (th->box == NULL || !(th->box->restore & RESTORE_ANY) ||
	    (!between(at, turbo_stub_copying, turbo_stub_copied) &&
	     !between(at, turbo_stub_restoring, turbo_stub_refuse)))
		return false;
	th->late = 0;
	carry_arrived(th);
	return true;
}

bool unwind_copy_fault(struct vthread *th)
{
	uaddr_t at = th->regs.rip - turbo.code;

	if (!between(at, turbo_stub_copying, turbo_stub_copied) || th->box == NULL)
		return false;
	unwind_flags(&th->regs, th->box->flags);
	th->regs.rdx = th->box->rdx;
	th->late = 0;
	done(th, (uint64_t)-EFAULT);
	return true;
}

void unwind_site(struct vthread *th)
{
	pending(th, th->regs.rax, th->regs.rip + SYSCALL_LEN);
}

void unwind_behind(struct vthread *th)
{
	if (th->box == NULL || th->regs.rip != unwind_called() || th->regs.cs != GUEST_CS)
		return;
	unwind_flags(&th->regs, th->box->flags);
	returned(th, th->box->ret);
}

void unwind_taken(struct vthread *th)
{
	struct regs *r = &th->regs;
	struct box *box = th->box;
	uaddr_t at = r->rip - turbo.code;

	if (between(at, turbo_stub_kept, turbo_stub_refuse) && r->cs == GUEST_CS) {
		unwind_flags(r, box->flags);
		returned(th, box->ret);
	} else {
		returned(th, r->rip);
	}
	r->orig_rax = th->box_nr;
	r->rax = th->result_set ? (uint64_t)th->result : (uint64_t)-ENOSYS;
	th->result_set = false;
	__atomic_store_n(&box->state, BOX_IDLE, __ATOMIC_RELAXED);
}
