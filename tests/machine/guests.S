/*
 * guests.S - tiny guests for the tests of the machines: position-independent blobs, each called
 * guest_NAME .. guest_NAME_end, copied to CODE in a fresh space.  r15 holds DATA unless told.
 */
	.section .rodata
.macro GUEST name
	.globl guest_\name, guest_\name\()_end
	.balign 16
guest_\name:
.endm
.macro END name
guest_\name\()_end:
	.byte 0
.endm

GUEST getppid			/* for ever: getppid() */
1:	mov	$110, %eax
	syscall
	jmp	1b
END getppid

GUEST mmap			/* for ever: mmap() */
1:	mov	$9, %eax
	syscall
	jmp	1b
END mmap

GUEST unmap			/* for ever: munmap(r15, r14), with the result in rbx */
1:	mov	$11, %eax
	mov	%r15, %rdi
	mov	%r14, %rsi
	syscall
	mov	%rax, %rbx
	jmp	1b
END unmap

GUEST args			/* call 1000 with six arguments, then with the result doubled */
	mov	$1000, %eax
	mov	$11, %edi
	mov	$22, %esi
	mov	$33, %edx
	mov	$44, %r10d
	mov	$55, %r8d
	mov	$66, %r9d
	syscall
	lea	(%rax,%rax), %rdi
	mov	$1001, %eax
	syscall
	ud2
END args

GUEST spin			/* burns CPU; counts in (r15) */
1:	incq	(%r15)
	jmp	1b
END spin

GUEST faults			/* rdi picks the exception */
	cmp	$0, %edi
	je	10f
	cmp	$1, %edi
	je	11f
	cmp	$2, %edi
	je	12f
	cmp	$3, %edi
	je	13f
	cmp	$4, %edi
	je	14f
	hlt			/* privileged */
10:	movb	$1, 0x123000	/* no such page */
11:	xor	%edx, %edx	/* divide by zero */
	mov	$1, %eax
	xor	%ecx, %ecx
	div	%ecx
12:	ud2
13:	int3
	ud2
14:	pushf			/* single step */
	orl	$0x100, (%rsp)
	popf
	nop
	nop
END faults

GUEST int80			/* 32-bit entry: getpid is 20 there */
	mov	$20, %eax
	mov	$7, %ebx
	int	$0x80
	mov	%rax, %rdi
	mov	$1001, %eax
	syscall
END int80

GUEST far			/* 32-bit code: mov $20, %eax; int $0x80; back to 64-bit; r14: CODE */
	lea	1f(%rip), %rax
	movl	%eax, (%r15)
	movl	$0x23, 4(%r15)
	ljmp	*(%r15)
	.code32
1:	movl	$20, %eax
	int	$0x80
	ljmp	$0x33, $0x400100
	.code64
	.org	guest_far + 0x100
	mov	%rax, %rdi
	mov	$1001, %eax
	syscall
END far

/* 32-bit code again, with the other ways in: the byte at (r14) is patched by the test. */
GUEST far32
	lea	1f(%rip), %rax
	movl	%eax, (%r15)
	movl	$0x23, 4(%r15)
	ljmp	*(%r15)
	.org	guest_far32 + 0x40
	.code32
1:	movl	$20, %eax
	movl	$0x600800, %ebp
	movl	$0x600800, %esp
	.org	guest_far32 + 0x50
	nop
	nop
	ud2
	.code64
END far32

GUEST anything			/* call number and arguments come in r8.. of DATA: (r15) = nr, a1.. */
1:	mov	0(%r15), %rax
	mov	8(%r15), %rdi
	mov	16(%r15), %rsi
	mov	24(%r15), %rdx
	mov	32(%r15), %r10
	mov	40(%r15), %r8
	mov	48(%r15), %r9
	syscall
	jmp	1b
END anything

GUEST vsyscall			/* time() through the legacy page, result to call 1001 */
	xor	%edi, %edi
	mov	$0xffffffffff600400, %rax
	call	*%rax
	mov	%rax, %rdi
	mov	$1001, %eax
	syscall
END vsyscall

GUEST add			/* adds 1 to (r15) atomically, r12 times, then call 1001 */
1:	lock incl (%r15)
	dec	%r12
	jnz	1b
	mov	$1001, %eax
	syscall
	ud2
END add

GUEST avx			/* call 1000 with ymm0..1 and the flags set, then store ymm0 */
	vmovdqu	(%r15), %ymm0
	mov	$1000, %eax
	syscall
	vmovdqu	%ymm0, 64(%r15)
	mov	$1001, %eax
	syscall
END avx

	.section .note.GNU-stack, "", @progbits
