/*
 * map_regs.c - mmap(2), brk(2) and mprotect(2) change no register but rax, rcx and r11, whoever
 * interrupts them: a timer's signals come all the while, and a copy is forked now and then.
 *
 * guest-seconds: 60
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* Filled with a pattern before the call, and with what was found after it. */
struct regs {
	uint64_t rbx, rbp, rdi, rsi, rdx, r8, r9, r10, r12, r13, r14, r15, rax, flags;
};

/* The call itself, with all registers from *r and back. */
void call_with(struct regs *r);
__asm__(".globl call_with\n"
	"call_with:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n"
	"	push %r14\n	push %r15\n	push %rdi\n"
	"	mov %rdi, %rax\n"
	"	mov 0(%rax), %rbx\n	mov 8(%rax), %rbp\n	mov 16(%rax), %rdi\n"
	"	mov 24(%rax), %rsi\n	mov 32(%rax), %rdx\n	mov 40(%rax), %r8\n"
	"	mov 48(%rax), %r9\n	mov 56(%rax), %r10\n	mov 64(%rax), %r12\n"
	"	mov 72(%rax), %r13\n	mov 80(%rax), %r14\n	mov 88(%rax), %r15\n"
	"	pushq 104(%rax)\n	popfq\n"
	"	mov 96(%rax), %rax\n"
	"	syscall\n"
	"	pushfq\n"
	"	mov 8(%rsp), %rcx\n"
	"	mov %rax, 96(%rcx)\n	popq 104(%rcx)\n"
	"	mov %rbx, 0(%rcx)\n	mov %rbp, 8(%rcx)\n	mov %rdi, 16(%rcx)\n"
	"	mov %rsi, 24(%rcx)\n	mov %rdx, 32(%rcx)\n	mov %r8, 40(%rcx)\n"
	"	mov %r9, 48(%rcx)\n	mov %r10, 56(%rcx)\n	mov %r12, 64(%rcx)\n"
	"	mov %r13, 72(%rcx)\n	mov %r14, 80(%rcx)\n	mov %r15, 88(%rcx)\n"
	"	cld\n"
	"	pop %rdi\n	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbp\n	pop %rbx\n"
	"	ret\n");

static volatile int signals;
static int wrong;

static void on_alarm(int sig)
{
	signals++;
}

/* CF, PF, AF, ZF, SF, OF: any of them; never the trap flag. */
#define FLAGS(i) (0x202 | ((i)*0x145 & 0x8d5))

static int64_t call(int i, uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
		    uint64_t f)
{
	struct regs before = {
	    .rbx = 0x1111 + i,
	    .rbp = 0x2222 + i,
	    .rdi = a,
	    .rsi = b,
	    .rdx = c,
	    .r10 = d,
	    .r8 = e,
	    .r9 = f,
	    .r12 = 0x3333 + i,
	    .r13 = 0x4444 + i,
	    .r14 = 0x5555 + i,
	    .r15 = 0x6666 + i,
	    .rax = nr,
	    .flags = FLAGS(i),
	};
	struct regs after = before;

	call_with(&after);
	before.rax = after.rax;
	if (memcmp(&before, &after, sizeof(before)) != 0)
		wrong++;
	return (int64_t)after.rax;
}

static void round_of_calls(int i, int fd)
{
	const uint64_t anon = MAP_PRIVATE | MAP_ANONYMOUS, junk = 0xabcdef0123456789;
	uint64_t at = call(i, SYS_mmap, 0, 3 * 4096 + 1 + i % 4096, PROT_READ, anon, -1, 0);
	uint64_t file, top = call(i, SYS_brk, 0, junk, junk, junk, junk, junk);

	if (at > -4096UL)
		return (void)wrong++;
	if (call(i, SYS_mprotect, at, 4096, PROT_READ | PROT_WRITE, junk, junk, junk) != 0)
		wrong++;
	*(volatile char *)at = 1;
	file = call(i, SYS_mmap, at + 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
		    fd, 0);
	if (file != at + 4096 || memcmp((void *)file, "ukernel", 7) != 0)
		wrong++;
	*(volatile char *)file = 'x';
	if (call(i, SYS_brk, top + 4096, junk, junk, junk, junk, junk) != (int64_t)top + 4096)
		wrong++;
	*(volatile char *)(top + 4095) = 1;
	if (call(i, SYS_brk, top, junk, junk, junk, junk, junk) != (int64_t)top)
		wrong++;
	if (i % 64 == 0 && fork() == 0) {
		*(volatile char *)(at + 1) = 2;
		_exit(*(volatile char *)file != 'x');
	}
	if (i % 64 == 0) {
		int status;

		if (wait(&status) < 0 || status != 0)
			wrong++;
	}
	if (call(i, SYS_munmap, at, 4 * 4096, junk, junk, junk, junk) != 0)
		wrong++;
}

int main(void)
{
	const struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
	struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	int fd = open("file", O_CREAT | O_RDWR, 0600), refused;

	if (write(fd, "ukernel", 7) != 7)
		return 1;
	for (int i = 0; i < 300; i++)
		round_of_calls(i, fd);
	printf("undisturbed: %d wrong\n", wrong);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 2000 || signals < 20; i++)
		round_of_calls(i, fd);
	setitimer(ITIMER_REAL, &never, NULL);
	printf("with signals: %d wrong\n", wrong);
	refused = call(0, SYS_mmap, 0, 1UL << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("too large: %d\n", refused);
	refused = call(0, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 99, 0);
	printf("no such file: %d\n", refused);
	return wrong != 0;
}
