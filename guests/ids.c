/*
 * ids.c - identifiers, groups, capabilities: what each call answers to root and to others, and
 * how they hang together.  (credentials(7), capabilities(7))
 */
#include "show.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((void *)1)

/* The C library's wrappers act on all threads; the calls themselves are meant here. */
#define sys(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static void show(const char *when)
{
	unsigned r[3], g[3];

	sys(getresuid, &r[0], &r[1], &r[2]);
	sys(getresgid, &g[0], &g[1], &g[2]);
	printf("%s: uid %u %u %u fs %d, gid %u %u %u fs %d\n", when, r[0], r[1], r[2], setfsuid(-1),
	       g[0], g[1], g[2], setfsgid(-1));
}

static void show_caps(const char *when)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	if (sys(capget, &h, d))
		perror("capget");
	/* The box offers root everything; the host may have taken some away.  CAP_KILL will do. */
	printf("%s: effective %d permitted %d inheritable %d\n", when,
	       d[0].effective >> CAP_KILL & 1, d[0].permitted >> CAP_KILL & 1,
	       d[0].inheritable >> CAP_KILL & 1);
}

/* Run fn in a child: what it changes is gone afterwards. */
static void in_child(void (*fn)(void))
{
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		fn();
		fflush(stdout);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	if (status)
		printf("FAIL child status %#x\n", status);
}

static void plain_setuid(void)
{
	SHOW(sys(setuid, 1000));
	show("setuid");
	show_caps("setuid");
	SHOW(sys(setuid, 0));
	SHOW(sys(setgid, 1000));
	SHOW(sys(setgroups, 0, NULL));
}

static void effective_only(void)
{
	SHOW(sys(setreuid, -1, 1000));
	show("seteuid");
	show_caps("seteuid");
	SHOW(sys(setresuid, -1, 0, -1));
	show("back");
	show_caps("back");
	SHOW(sys(setreuid, 1000, 1001));
	show("setreuid");
	SHOW(sys(setreuid, 0, -1));
	SHOW(sys(setreuid, 1001, 1000));
	show("swapped");
}

static void saved(void)
{
	SHOW(sys(setresgid, 10, 20, 30));
	SHOW(sys(setresuid, 1, 2, 3));
	show("setres");
	SHOW(sys(setresuid, 3, 1, 2));
	show("turned");
	SHOW(sys(setresuid, 4, -1, -1));
	SHOW(sys(setresgid, -1, 30, -1));
	SHOW(sys(setgid, 20));
	SHOW(sys(setgid, 40));
	SHOW(sys(setregid, 30, 20));
	show("end");
}

static void fs_ids(void)
{
	SHOW(setfsuid(1000));
	SHOW(setfsuid(-1));
	SHOW(setfsgid(1000));
	show("fs");
	SHOW(setfsuid(0));
	SHOW(setfsgid(0));
	show("fs back");
	SHOW(sys(setresuid, 1000, 1000, 1000));
	SHOW(setfsuid(7));
	SHOW(setfsuid(-1));
}

static void groups(void)
{
	unsigned some[] = {30, 10, 20}, got[8];

	SHOW(sys(setgroups, 3, some));
	SHOW(sys(getgroups, 0, NULL));
	SHOW(sys(getgroups, 2, got));
	SHOW(sys(getgroups, -1, got));
	SHOW(sys(getgroups, 3, BAD));
	if (sys(getgroups, 8, got) == 3)
		printf("groups %u %u %u\n", got[0], got[1], got[2]);
	SHOW(sys(setgroups, 3, BAD));
	SHOW(sys(setgroups, -1, some));
	SHOW(sys(setgroups, 70000, some));
	SHOW(sys(setgroups, 0, NULL));
	SHOW(sys(getgroups, 0, NULL));
}

static void keep_caps(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	SHOW(prctl(PR_SET_KEEPCAPS, 1));
	SHOW(prctl(PR_GET_KEEPCAPS));
	SHOW(prctl(PR_SET_KEEPCAPS, 2));
	SHOW(sys(setresuid, 1000, 1000, 1000));
	show_caps("kept");
	sys(capget, &h, d);
	d[0].effective = d[0].permitted = 1 << CAP_KILL;
	d[1].effective = d[1].permitted = 0;
	SHOW(sys(capset, &h, d));
	show_caps("raised");
	d[0].permitted = ~0u;
	SHOW(sys(capset, &h, d));
	d[0].permitted = 0;
	SHOW(sys(capset, &h, d)); /* effective is not a part of permitted */
	d[0].effective = 0;
	SHOW(sys(capset, &h, d));
	show_caps("none");
}

static void ambient(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{0}};

	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 64, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, 9, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	sys(capget, &h, d);
	d[0].inheritable |= 1 << CAP_KILL;
	SHOW(sys(capset, &h, d));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	SHOW(prctl(PR_CAPBSET_READ, CAP_KILL));
	SHOW(prctl(PR_CAPBSET_DROP, CAP_KILL));
	SHOW(prctl(PR_CAPBSET_READ, CAP_KILL));
	SHOW(prctl(PR_CAPBSET_READ, 64));
	SHOW(prctl(PR_CAPBSET_DROP, 64));
	d[0].inheritable |= 1 << CAP_KILL;
	SHOW(sys(capset, &h, d));
}

static void cap_calls(void)
{
	struct __user_cap_header_struct h = {0, 0};
	struct __user_cap_data_struct d[2];

	SHOW(sys(capget, &h, NULL));
	printf("preferred version %#x\n", h.version);
	h.version = 1;
	SHOW(sys(capget, &h, d));
	SHOW(sys(capget, BAD, d));
	SHOW(sys(capget, &h, BAD));
	h.pid = -1;
	SHOW(sys(capget, &h, d));
	h.pid = 1 << 22;
	SHOW(sys(capget, &h, d));
	SHOW(sys(capset, &h, d));
	h = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_1, 0};
	SHOW(sys(capget, &h, d));
	h.version = 7;
	SHOW(sys(capset, &h, d));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 0);
	show("start");
	show_caps("start");
	SHOW(sys(getresuid, BAD, BAD, BAD));
	SHOW(sys(getresgid, BAD, BAD, BAD));
	SHOW(sys(setuid, -1));
	SHOW(sys(setgid, -1));
	in_child(plain_setuid);
	in_child(effective_only);
	in_child(saved);
	in_child(fs_ids);
	in_child(groups);
	in_child(keep_caps);
	in_child(ambient);
	in_child(cap_calls);
	show("end");
	return 0;
}
