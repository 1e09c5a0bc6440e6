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
 * rax, rcx and r11 are all that is used; no stack, but for one word in the mailbox, as only pushfq
 * and popfq know all flags: a guest gets no signals of the host's that could use more of it.  The
 * arithmetic flags are kept as lahf and seto find them; the others are never changed.
 *
 * Some calls bring all registers, and may come back with others (carry.c).
 */
#include "turbo.h"

#define BOX(field)   %gs:BOX_AT_##field
#define REG(name)    %gs:BOX_AT_REGS+REGS_AT_##name
#define AHEAD(field) %gs:AHEAD_AT_##field(%rcx)
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
	movq	$0, BOX(EARLY)		/* and box.restore */
	movl	$0, BOX(LATE)
	mov	%r11d, %r11d
	cmp	$SHAPES_MAX, %r11
	jae	turbo_stub_direct
	movzbl	CONTROL_SHAPE(%r11), %eax
	cmp	$SHAPE_REQUEST, %eax
	jb	turbo_stub_direct
	cmp	$SHAPE_PUBLISHED, %eax
	jae	5f
7:	mov	%rdi, BOX(ARG)
	mov	%rsi, %gs:8+BOX_AT_ARG
	mov	%rdx, %gs:16+BOX_AT_ARG
	mov	%r10, %gs:24+BOX_AT_ARG
	mov	%r8, %gs:32+BOX_AT_ARG
	mov	%r9, %gs:40+BOX_AT_ARG
	cmp	$SHAPE_REQUEST, %eax
	je	18f
MARK(turbo_stub_fetching)		/* eax: shape; rdx is in box.arg[2] */
	cmp	$SHAPE_CARRY, %eax
	jae	31f
32:	mov	CONTROL_FETCH_IF(,%rax,8), %edx
	bt	%esi, %edx
	jnc	17f
	mov	CONTROL_FETCH(,%rax,8), %eax
	movzbl	%al, %ecx
	mov	%gs:(%rcx), %rcx	/* from */
	cmp	$TURBO_LOW_END, %rcx	/* no address but NULL or a small number */
	jb	17f
	movzbl	%ah, %edx
	shr	$16, %eax		/* size */
	jz	15f
	test	%edx, %edx
	jz	12f
	mov	%gs:(%rdx), %rdx	/* count */
	cmp	$BOX_EARLY_MAX, %rdx
	ja	17f
	imul	%edx, %eax
	cmp	$BOX_EARLY_MAX, %eax
	ja	17f
12:	mov	%eax, %r11d		/* so many bytes */
	xor	%eax, %eax
	sub	$8, %r11d
	jb	14f
13:	mov	(%rcx,%rax), %rdx
	mov	%rdx, %gs:BOX_AT_EARLY_DATA(%rax)
	add	$8, %rax
	sub	$8, %r11d
	jae	13b
14:	add	$8, %r11d
	jz	16f
19:	movzbl	(%rcx,%rax), %edx
	mov	%dl, %gs:BOX_AT_EARLY_DATA(%rax)
	inc	%eax
	dec	%r11d
	jnz	19b
	jmp	16f
15:	movzbl	(%rcx,%rax), %edx	/* eax: 0; up to and with a NUL */
	mov	%dl, %gs:BOX_AT_EARLY_DATA(%rax)
	inc	%eax
	test	%edx, %edx
	jz	16f
	cmp	$BOX_EARLY_STRING, %eax
	jb	15b
	jmp	17f
31:	mov	%eax, %r11d
	mov	%r15, REG(R15)
	mov	%r14, REG(R14)
	mov	%r13, REG(R13)
	mov	%r12, REG(R12)
	mov	%rbp, REG(RBP)
	mov	%rbx, REG(RBX)
	mov	%rsp, REG(RSP)
	rdfsbase %rcx
	mov	%rcx, REG(FS_BASE)
	mov	%ds, REG(DS)
	mov	%es, REG(ES)
	mov	%fs, REG(FS)
	mov	%gs, REG(GS)
	mov	CONTROL_XMASK, %eax
	mov	CONTROL_XMASK+4, %edx
	xsave64	BOX(XSTATE)
	mov	BOX(STACK), %rsp
MARK(turbo_stub_stacked)		/* rsp is in box.regs */
	pushfq
	mov	REG(RSP), %rsp
MARK(turbo_stub_unstacked)
	movl	$RESTORE_CAN, BOX(RESTORE)
	lea	-SHAPE_CARRY(%r11), %eax
	cmp	$SHAPE_CARRY_FRAME-SHAPE_CARRY, %eax
	jb	17f
	ja	32b
	lea	-8(%rsp), %rcx		/* the handler has taken the return address */
	cmp	$TURBO_LOW_END, %rcx
	jb	17f
	mov	FRAME_AT_FPSTATE(%rcx), %rax
	sub	%rcx, %rax
	cmp	$FRAME_TO_IMAGE, %rax
	ja	17f
	add	CONTROL_IMAGE, %eax
	cmp	$BOX_FRAME_MAX, %eax
	ja	17f
	mov	%eax, %r11d
	xor	%eax, %eax
	sub	$32, %r11d
	jb	34f
33:	mov	(%rcx,%rax), %rdx
	mov	%rdx, %gs:BOX_AT_FRAME(%rax)
	mov	8(%rcx,%rax), %rdx
	mov	%rdx, %gs:BOX_AT_FRAME+8(%rax)
	mov	16(%rcx,%rax), %rdx
	mov	%rdx, %gs:BOX_AT_FRAME+16(%rax)
	mov	24(%rcx,%rax), %rdx
	mov	%rdx, %gs:BOX_AT_FRAME+24(%rax)
	add	$32, %rax
	sub	$32, %r11d
	jae	33b
34:	add	$32, %r11d
	jz	16f
35:	movzbl	(%rcx,%rax), %edx
	mov	%dl, %gs:BOX_AT_FRAME(%rax)
	inc	%eax
	dec	%r11d
	jnz	35b
16:	mov	%rcx, BOX(EARLY_FROM)
	mov	%eax, BOX(EARLY)
17:	mov	%gs:16+BOX_AT_ARG, %rdx
MARK(turbo_stub_fetched)
18:	mov	BOX(NR), %ecx
	and	$AHEAD_LISTS-1, %ecx
	mov	%gs:BOX_AT_AHEAD(,%rcx,4), %ecx
	test	%ecx, %ecx
	jz	27f
MARK(turbo_stub_ahead)			/* rdx is in box.arg[2]; nothing has been done yet */
	mov	%gs:8+BOX_AT_ARG, %rax	/* an address or a length that no call takes: ask */
	or	%gs:16+BOX_AT_ARG, %rax
	shr	$47, %rax
	jnz	26f
21:	cmpq	$0, AHEAD(UNTIL)
	je	25f
	mov	AHEAD(NR), %eax
	cmp	BOX(NR), %eax
	jne	25f
	mov	AHEAD(ARG_AT), %eax
	mov	%gs:(%rax), %rax
	cmp	AHEAD(ARG), %rax
	jne	25f
	mov	AHEAD(KEY_AT), %eax
	mov	%gs:(%rax), %rax
	cmp	AHEAD(KEY), %rax
	jne	25f
	mov	AHEAD(KEY_AT2), %eax
	mov	%gs:(%rax), %rax
	cmp	AHEAD(KEY2), %rax
	jne	25f
	mov	AHEAD(PATH), %r11d
	cmp	BOX(EARLY), %r11d
	jne	25f
22:	sub	$1, %r11d		/* the path, from its end on */
	jb	23f
	lea	(%rcx,%r11), %eax
	movzbl	%gs:AHEAD_AT_TEXT(%rax), %eax
	cmp	%al, %gs:BOX_AT_EARLY_DATA(%r11)
	je	22b
	jmp	25f
23:	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
	cmp	AHEAD(UNTIL), %rax
	jae	25f
	mov	AHEAD(RESULT), %rax
	mov	%rax, BOX(RESULT)
	mov	AHEAD(COUNTS), %eax
	add	%eax, BOX(AHEAD_USED)
	cmpl	$AHEAD_KEEP, AHEAD(KIND)
	je	30f
	ja	29f
	movq	$0, AHEAD(UNTIL)	/* once */
30:	mov	AHEAD(LEN), %r11d
	mov	AHEAD(DATA), %eax
	mov	AHEAD(TO_AT), %ecx
	mov	%gs:(%rcx), %rcx
	sub	%rax, %rcx
24:	sub	$8, %r11d
	jb	28f
	mov	%gs:(%rax), %rdx
	mov	%rdx, (%rcx,%rax)
	add	$8, %rax
	jmp	24b
25:	mov	AHEAD(NEXT), %ecx
	test	%ecx, %ecx
	jnz	21b
26:	mov	%gs:16+BOX_AT_ARG, %rdx
MARK(turbo_stub_ahead_not)
27:	cmpl	$0, CONTROL_POLLING
	je	39f
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
	cmp	$BOX_TAKEN, %eax
	je	37f
	testl	$RESTORE_CAN, BOX(RESTORE)
	jz	37f
	mov	$BOX_CALLED, %r11d
37:	lock cmpxchg %r11d, BOX(STATE)
	jne	3b
	cmp	$BOX_TAKEN, %eax
	je	38f
	cmp	$BOX_PARKED, %r11d
	je	turbo_stub_direct
38:	mov	$24, %eax		/* what it waits in: one that is a notification, or none */
	jmp	36f
MARK(turbo_stub_direct)			/* not in the mailbox, or not any more: make it */
	mov	BOX(NR), %eax
36:	syscall
MARK(turbo_stub_called)			/* rax: result */
	mov	%rax, BOX(RESULT)
	jmp	20f
MARK(turbo_stub_answered)			/* the result is in box.arg[0] */
4:	mov	BOX(ARG), %rax
	mov	%rax, BOX(RESULT)
MARK(turbo_stub_late)			/* the result is in box.result */
20:	mov	BOX(LATE), %r11d
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
MARK(turbo_stub_ahead_post)		/* as from turbo_stub_ahead on */
29:	xor	%eax, %eax		/* none of the others knows of it: forget them first */
	mov	%rax, BOX(AHEAD)
	mov	%rax, %gs:8+BOX_AT_AHEAD
	mov	%rax, %gs:16+BOX_AT_AHEAD
	mov	%rax, %gs:24+BOX_AT_AHEAD
	xchg	%rax, AHEAD(UNTIL)
MARK(turbo_stub_ahead_posted)		/* rax: not 0 if the call has been made; then as below */
	test	%rax, %rax
	jz	25b			/* it has just been taken back */
MARK(turbo_stub_ahead_given)		/* the result is in box.result, rdx in box.arg[2] */
28:	mov	%gs:16+BOX_AT_ARG, %rdx
	jmp	6f
MARK(turbo_stub_published)
39:	testl	$RESTORE_CAN, BOX(RESTORE)
	jz	turbo_stub_direct
	movl	$BOX_CALLED, BOX(STATE)
	jmp	38b
5:	cmp	$SHAPE_CARRY, %eax
	jae	7b
	mov	%gs:BOX_AT_KNOWN-SHAPE_PUBLISHED*8(,%rax,8), %rax
	sub	$1, %rax
	mov	%rax, BOX(RESULT)
	jnc	6f
	mov	$SHAPE_REQUEST, %eax	/* not known */
	jmp	7b
MARK(turbo_stub_done)			/* the result is in box.result */
6:	testl	$RESTORE_ANY, BOX(RESTORE)
	jne	turbo_stub_restoring
	mov	BOX(FLAGS), %eax
	movzbl	%gs:1+BOX_AT_FLAGS, %r11d	/* as the CPU leaves them in r11, but DF, AC and ID */
	movzbl	%al, %ecx
	shl	$11, %ecx
	lea	0x200(%r11,%rcx), %r11d
	add	$0x7f, %al		/* sets OF if it was set */
	sahf
	mov	BOX(RET), %rcx
	mov	BOX(RESULT), %rax
	jmp	*%rcx
MARK(turbo_stub_restoring)		/* everything is in the mailbox */
	testl	$RESTORE_XSTATE, BOX(RESTORE)
	jz	40f
	mov	CONTROL_XMASK, %eax
	mov	CONTROL_XMASK+4, %edx
	xrstor64 BOX(XSTATE)
40:	mov	BOX(STACK), %rsp
	lea	-8(%rsp), %rsp
	popfq
	mov	REG(R15), %r15
	mov	REG(R14), %r14
	mov	REG(R13), %r13
	mov	REG(R12), %r12
	mov	REG(RBP), %rbp
	mov	REG(RBX), %rbx
	mov	REG(R11), %r11
	mov	REG(R10), %r10
	mov	REG(R9), %r9
	mov	REG(R8), %r8
	mov	REG(RAX), %rax
	mov	REG(RCX), %rcx
	mov	REG(RDX), %rdx
	mov	REG(RSI), %rsi
	mov	REG(RDI), %rdi
	mov	REG(RSP), %rsp
	jmp	*REG(RIP)
MARK(turbo_stub_refuse)			/* the guest uses gs itself */
	ud2
MARK(turbo_stub_end)

	.section .note.GNU-stack, "", @progbits
