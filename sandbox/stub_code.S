/*
 * stub_code.S - the only code of ours inside a guest's address space, and the birth of the zygote.
 *
 * The stub page is mapped read-only and executable in every guest space.  A held thread is sent to
 * one of its entry points with registers that the supervisor wrote, does one thing, and comes back
 * by int3.  Nothing here is a gate: guest code may jump to any byte with any registers, and must
 * gain nothing.  Under ptrace its `syscall` traps like any other, because guest code is always
 * resumed with SYSEMU.  Under seccomp the filter lets a call from this page pass only if it carries
 * a 64-bit secret that is never in memory a guest can read, only in the registers of a thread
 * under order (see filter.c).
 *
 * Nothing here touches the stack.
 */
	.text
	.balign 64
	.globl stub_code, stub_code_end

stub_code:
/* One host call, registers as the ABI wants them.  Every routine leaves its result in r15, which is
 * cheaper to read than the rest, and where a number that is no result had been put before. */
	.globl stub_call
stub_call:
	syscall
	mov	%rax, %r15
	int3

/*
 * A list of calls.  rbx: first order, rbp: end of the list; each is {nr, six arguments, unused}.
 * r14: the secret, which goes into the sixth argument; mmap needs all six, so there its halves
 * ride in the upper parts of flags (r12 = upper half) and fd (r13 = lower half), where the host
 * does not look.  Stops at the first error; r14 (rbx) then points at the order that failed.
 */
	.globl stub_batch
stub_batch:
	mov	0x00(%rbx), %rax
	mov	0x08(%rbx), %rdi
	mov	0x10(%rbx), %rsi
	mov	0x18(%rbx), %rdx
	mov	0x20(%rbx), %r10
	mov	0x28(%rbx), %r8
	mov	0x30(%rbx), %r9
	cmp	$9, %eax		/* mmap */
	je	1f
	or	%r14, %r9
	jmp	2f
1:	or	%r12, %r10
	or	%r13, %r8
2:	syscall
	cmp	$-4095, %rax
	jae	3f
	add	$64, %rbx
	cmp	%rbp, %rbx
	jb	stub_batch
3:	mov	%rbx, %r14
	mov	%rax, %r15
	int3

/* Compare and exchange: rdi address, eax expected, esi desired.  A fault stops here, too. */
	.globl stub_cmpxchg
stub_cmpxchg:
	lock cmpxchg %esi, (%rdi)
	mov	%eax, %r15d
	int3

/*
 * The way back to the guest from its own call whose arguments we had replaced (follow.c).  r11: the
 * thread's slot; rcx is free, as after any call, and no flag may change.
 */
	.globl stub_follow, stub_follow_good, stub_follow_end
stub_follow:
	mov	0x30(%r11), %rcx	/* minus what must have come out */
	lea	(%rcx,%rax), %rcx
	jrcxz	stub_follow_good
	int3
stub_follow_good:
	mov	0x00(%r11), %rdi
	mov	0x08(%r11), %rsi
	mov	0x10(%r11), %rdx
	mov	0x18(%r11), %r10
	mov	0x20(%r11), %r8
	mov	0x28(%r11), %r9
	mov	0x38(%r11), %rax
	mov	0x40(%r11), %rcx
	mov	0x48(%r11), %r11
	jmp	*%rcx
stub_follow_end:

	.balign 64
	.globl stub_zeroes, stub_ones
stub_zeroes:
	.fill	64, 1, 0x00
stub_ones:
	.fill	64, 1, 0xff
stub_code_end:

/*
 * pid_t zygote_spawn(pid_t self) - a child that has no rseq area, no handlers to run, and waits to
 * be seized; or a negative errno.  *between gets the pid of a helper to be reaped.
 *
 * Two steps, because only a clone with CLONE_VM drops glibc's rseq registration, which the host
 * would otherwise write to after we have unmapped it: the helper shares our memory (and must not
 * touch the stack), clones the real child as its own sibling, and ends.  Not C: under a sanitizer
 * the child would run instrumented code.
 */
	.globl zygote_spawn
	.type zygote_spawn, @function
zygote_spawn:			/* edi: our pid, rsi: pid_t *between */
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	mov	%edi, %r12d
	mov	%rsi, %r14
	xor	%ebx, %ebx		/* the real child's pid, set by the helper through memory */
	sub	$16, %rsp
	movq	$0, (%rsp)
	mov	%rsp, %r13
	mov	$56, %eax		/* clone(VM|VFORK|FILES|FS|SIGCHLD) */
	mov	$0x4711, %edi		/* VFORK 4000 | FILES 400 | FS 200 | VM 100 | SIGCHLD 17 */
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	syscall
	test	%rax, %rax
	jz	1f
	js	3f
	mov	%eax, (%r14)
	movslq	(%rsp), %rax
3:	add	$16, %rsp
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	ret
1:	mov	$56, %eax		/* the helper: clone(PARENT|FILES|FS) */
	mov	$0x8611, %edi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r10d, %r10d
	xor	%r8d, %r8d
	syscall
	test	%rax, %rax
	jz	2f
	mov	%eax, (%r13)
	mov	$60, %eax		/* exit(0) */
	xor	%edi, %edi
	syscall
2:	mov	$157, %eax		/* the zygote: prctl(PR_SET_PDEATHSIG, SIGKILL) */
	mov	$1, %edi
	mov	$9, %esi
	syscall
	mov	$110, %eax		/* orphaned already? */
	syscall
	cmp	%eax, %r12d
	je	4f
	mov	$60, %eax
	xor	%edi, %edi
	syscall
4:	mov	$34, %eax		/* pause() until seized */
	syscall
	jmp	4b
	.size zygote_spawn, . - zygote_spawn

	.section .note.GNU-stack, "", @progbits
