/*
 * turbo_stub.S - where rewritten call sites end up; see turbo.h for the registers at its entry.
 *
 * Like stub_code.S, this is no gate: guest code may jump to any byte of it.  What it may do that
 * other guest code may not is sched_yield() (filter.c).
 *
 * A thread that is stopped in here is shown to the kernel as if it stood behind the system call of
 * its site (unwind.c).  The exported labels are what it needs for that: between two of them the
 * whereabouts of the call's number, return address and flags do not change.
 *
 * rax, rcx and r11 are all that is used; no stack.  The arithmetic flags are kept as lahf and seto
 * find them; the others are never changed.
 */
#include "turbo.h"

#define BOX(field) %gs:BOX_AT_##field
#define MARK(name) .globl name; name:

	.text
	.balign 4096
MARK(turbo_stub)
MARK(turbo_stub_entry)			/* rax: number, rcx: return address */
	mov	%rax, %r11
MARK(turbo_stub_nr)			/* r11: number */
	lahf
	seto	%al
MARK(turbo_stub_magic)			/* faults where a thread has no mailbox (yet) */
	cmpl	$BOX_MAGIC, BOX(MAGIC)
MARK(turbo_stub_flags)			/* eax: flags */
	jne	turbo_stub_refuse
	mov	%eax, BOX(FLAGS)
	mov	%rcx, BOX(RET)
	mov	%r11d, BOX(NR)
MARK(turbo_stub_kept)			/* all three are in the mailbox */
	mov	%r11d, %r11d
	cmp	$SHAPES_MAX, %r11
	jae	turbo_stub_direct
	movzbl	CONTROL_SHAPE(%r11), %eax
	cmp	$SHAPE_REQUEST, %eax
	jb	turbo_stub_direct
	cmp	$SHAPE_PUBLISHED, %eax
	jae	5f
7:	cmpl	$0, CONTROL_POLLING
	je	turbo_stub_direct
	mov	%rdi, BOX(ARG)
	mov	%rsi, %gs:8+BOX_AT_ARG
	mov	%rdx, %gs:16+BOX_AT_ARG
	mov	%r10, %gs:24+BOX_AT_ARG
	mov	%r8, %gs:32+BOX_AT_ARG
	mov	%r9, %gs:40+BOX_AT_ARG
	mov	BOX(YIELDS), %eax
	mov	%eax, BOX(LEFT)
	movl	$BOX_REQUEST, BOX(STATE)
MARK(turbo_stub_asked)			/* box.state tells how far it is */
1:	mov	BOX(SPINS), %r11d
2:	cmpl	$BOX_DONE, BOX(STATE)
	je	4f
	cmpl	$0, CONTROL_POLLING
	je	3f
	pause
	dec	%r11d
	jns	2b
	decl	BOX(LEFT)
	js	3f
	mov	$24, %eax		/* sched_yield */
	syscall
	.globl	turbo_stub_yielded	/* the one place from where the filter lets it pass */
turbo_stub_yielded:
	jmp	1b
3:	mov	BOX(STATE), %eax	/* enough: from REQUEST or TAKEN to PARKED */
	cmp	$BOX_DONE, %eax
	je	4f
	mov	$BOX_PARKED, %r11d
	lock cmpxchg %r11d, BOX(STATE)
	jne	3b
MARK(turbo_stub_direct)			/* not in the mailbox, or not any more: make it */
	mov	BOX(NR), %eax
	syscall
MARK(turbo_stub_called)			/* rax: result */
	mov	%rax, BOX(RESULT)
	jmp	6f
MARK(turbo_stub_answered)			/* the result is in box.arg[0] */
4:	mov	BOX(ARG), %rax
	mov	%rax, BOX(RESULT)
	mov	BOX(LATE), %r11d
	test	%r11d, %r11d
	jz	6f
	mov	BOX(LATE_TO), %rcx
	mov	%rdx, BOX(RDX)
	xor	%eax, %eax
MARK(turbo_stub_copying)		/* rdx is in the mailbox; the result may become -EFAULT */
	sub	$32, %r11d
	jb	9f
8:	mov	%gs:BOX_AT_DATA(%rax), %rdx
	mov	%rdx, (%rcx,%rax)
	mov	%gs:BOX_AT_DATA+8(%rax), %rdx
	mov	%rdx, 8(%rcx,%rax)
	mov	%gs:BOX_AT_DATA+16(%rax), %rdx
	mov	%rdx, 16(%rcx,%rax)
	mov	%gs:BOX_AT_DATA+24(%rax), %rdx
	mov	%rdx, 24(%rcx,%rax)
	add	$32, %rax
	sub	$32, %r11d
	jae	8b
9:	add	$32, %r11d
	jz	11f
10:	movzbl	%gs:BOX_AT_DATA(%rax), %edx
	mov	%dl, (%rcx,%rax)
	inc	%rax
	dec	%r11d
	jnz	10b
11:	mov	BOX(RDX), %rdx
MARK(turbo_stub_copied)
	jmp	6f
MARK(turbo_stub_published)		/* eax: shape */
5:	mov	%gs:BOX_AT_KNOWN-SHAPE_PUBLISHED*8(,%rax,8), %rax
	sub	$1, %rax
	jc	7b
	mov	%rax, BOX(RESULT)
MARK(turbo_stub_done)			/* the result is in box.result */
6:	mov	BOX(FLAGS), %eax
	add	$0x7f, %al		/* sets OF if it was set */
	sahf
	mov	$0x246, %r11d
	mov	BOX(RET), %rcx
	mov	BOX(RESULT), %rax
	jmp	*%rcx
MARK(turbo_stub_refuse)			/* the guest uses gs itself */
	ud2
MARK(turbo_stub_end)

	.section .note.GNU-stack, "", @progbits
