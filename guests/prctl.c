/*
 * prctl.c - prctl and arch_prctl: names, flags that children inherit or not, bad arguments.
 */
#include "show.h"

#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((void *)1)

static void names(void)
{
	char name[17] = "";

	SHOW(prctl(PR_SET_NAME, "a name that is too long"));
	SHOW(prctl(PR_GET_NAME, name));
	printf("name '%s'\n", name);
	SHOW(prctl(PR_SET_NAME, ""));
	SHOW(prctl(PR_GET_NAME, name));
	printf("name '%s'\n", name);
	SHOW(prctl(PR_SET_NAME, BAD));
	SHOW(prctl(PR_GET_NAME, BAD));
	SHOW(prctl(PR_SET_NAME, "guest"));
}

static void flags(void)
{
	int v = -1;

	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 0));
	SHOW(prctl(PR_GET_DUMPABLE));
	SHOW(prctl(PR_SET_DUMPABLE, 2));
	SHOW(prctl(PR_SET_DUMPABLE, 1));
	SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SHOW(prctl(PR_GET_PDEATHSIG, &v));
	printf("pdeathsig %d\n", v);
	SHOW(prctl(PR_SET_PDEATHSIG, 65));
	SHOW(prctl(PR_SET_PDEATHSIG, -1));
	SHOW(prctl(PR_GET_PDEATHSIG, BAD));
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	SHOW(prctl(PR_GET_CHILD_SUBREAPER, &v));
	printf("subreaper %d\n", v);
	SHOW(prctl(PR_SET_TIMERSLACK, 123));
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_SET_TIMERSLACK, 0));
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_GET_TIMING));
	SHOW(prctl(PR_SET_TIMING, 1));
	SHOW(prctl(PR_GET_TSC, &v));
	printf("tsc %d\n", v);
	SHOW(prctl(PR_GET_SECCOMP));
	SHOW(prctl(PR_GET_SECUREBITS));
	SHOW(prctl(PR_SET_SECUREBITS, 1 << 20));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
	SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SHOW(prctl(12345));
	SHOW(prctl(-1));
}

static void inherited(void)
{
	int v = -1;
	char name[17] = "";

	prctl(PR_GET_PDEATHSIG, &v);
	prctl(PR_GET_NAME, name);
	printf("child: pdeathsig %d, name '%s', no_new_privs %d", v, name,
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	prctl(PR_GET_CHILD_SUBREAPER, &v);
	printf(", subreaper %d, timerslack %d\n", v, prctl(PR_GET_TIMERSLACK));
}

static void segment_bases(void)
{
	unsigned long fs = 0, gs = 1, there = 0x1234567;
	unsigned long value = 0;

	SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs));
	printf("fs %s, gs %lu\n", fs ? "set" : "0", gs);
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, &there));
	__asm__("mov %%gs:0, %0" : "=r"(value));
	printf("gs:0 is %#lx\n", value);
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, -1UL));
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_FS, 1UL << 63));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_FS, BAD));
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
	SHOW(syscall(SYS_arch_prctl, 0x7777, 0));
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0));
}

int main(void)
{
	int status;

	setvbuf(stdout, NULL, _IOFBF, 0);
	names();
	flags();
	fflush(stdout);
	prctl(PR_SET_TIMERSLACK, 777);
	pid_t pid = fork();
	if (pid == 0) {
		inherited();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	segment_bases();
	return 0;
}
