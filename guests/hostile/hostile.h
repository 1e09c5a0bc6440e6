/*
 * hostile.h - what the programs that try to break out have in common.
 *
 * They do real harm if they are run outside a box: require_box() is the first thing that each
 * calls.  Attempts are made in forked children, so that one which dies, hangs or changes its own
 * process for good does not end the others.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* tests/security.py gives its boxes this name; no host has it. */
#define BOX_NAME "box-of-security-test"

/* An odd number that no honest call has as an argument: the host's trace is searched for it. */
#define MARKER 0x5ec5ec5ec5e1UL

static inline void require_box(void)
{
	struct utsname u;

	if (uname(&u) != 0 || strcmp(u.nodename, BOX_NAME) != 0) {
		fprintf(stderr, "this program is only run in a box, by tests/security.py\n");
		exit(99);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* The host takes a picture of itself while we wait for a line. */
static inline void meet(const char *word)
{
	char line[256];

	printf("%s\n", word);
	if (!fgets(line, sizeof(line), stdin))
		exit(98);
}

static inline long raw_syscall(long nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4],
			      r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Ends the process with no help from libc, whose data may be gone. */
static inline _Noreturn void raw_exit(int status)
{
	for (;;) {
		long nr = SYS_exit_group;

		__asm__ volatile("syscall" : "+a"(nr) : "D"(status) : "rcx", "r11", "memory");
	}
}

static inline void on_alarm(int sig)
{
}

/*
 * Run attempt(arg) in a child for at most ms milliseconds.  Its exit status, 128+n if signal n
 * ended it, 255 if it had to be stopped, -1 if there was no child.
 */
static inline int in_child(int (*attempt)(void *arg), void *arg, int ms)
{
	struct itimerval in = {.it_value = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}};
	struct itimerval off = {0};
	struct sigaction sa = {.sa_handler = on_alarm};
	int status = 0, result;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid == 0)
		raw_exit(attempt(arg));
	sigaction(SIGALRM, &sa, NULL);
	/* Again and again, in case the first one comes before the wait. */
	in.it_interval = (struct timeval){.tv_usec = 10000};
	setitimer(ITIMER_REAL, &in, NULL);
	if (waitpid(pid, &status, 0) == pid) {
		result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	} else {
		setitimer(ITIMER_REAL, &off, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		result = 255;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	/* What it left behind has come to us or to init; ours are collected. */
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
	return result;
}
#endif
