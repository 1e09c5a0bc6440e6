/*
 * listen_call.S - to wait for a notification in such a way that no signal is missed.
 *
 * A signal that comes before the call has begun to wait would have its handler run, and then the
 * call would wait all the same.  So the handler (listen.c) looks where it has interrupted us: up to
 * the `syscall`, which is also where the host stands when it is about to restart the call, it sends
 * us to listen_aborted.  Behind it the call has its result, and what was received is not lost.
 */
	.text
	.globl listen_receive, listen_received, listen_aborted
	.hidden listen_caught
	.type listen_receive, @function
/* long listen_receive(int listener, unsigned long op, void *request) */
listen_receive:
	cmpl	$0, listen_caught(%rip)
	jne	listen_aborted
	mov	$16, %eax		/* ioctl */
	syscall
listen_received:
	ret
listen_aborted:
	mov	$-4, %rax		/* -EINTR */
	ret
	.size listen_receive, . - listen_receive

	.section .note.GNU-stack, "", @progbits
