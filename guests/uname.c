/*
 * uname.c - the system's names, personality, sysinfo, I/O priorities, memory policies.
 *
 * guest-link: static dynamic
 * guest-mask: version '[^']*'
 */
#include "show.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAD ((void *)1)

#define sys(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static void names(void)
{
	struct utsname u;

	SHOW(uname(&u));
	printf("%s '%s' release '%s' version '%s' %s\n", u.sysname, u.nodename, u.release,
	       u.version, u.machine);
	SHOW(sys(uname, BAD));
	SHOW(sys(uname, NULL));
	SHOW(sys(sethostname, "x", 65));
	SHOW(sys(sethostname, "x", -1));
	SHOW(sys(setdomainname, "x", 65));
	if (getuid() == 0)
		SHOW(sys(sethostname, BAD, 1));
	else
		SHOW(sys(sethostname, "x", 1));
}

static void personalities(void)
{
	struct utsname u;

	SHOW(personality(0xffffffff));
	SHOW(personality(PER_LINUX32 | ADDR_NO_RANDOMIZE));
	printf("persona %#x\n", personality(0xffffffff));
	uname(&u);
	printf("machine %s\n", u.machine);
	SHOW(personality(PER_LINUX) & 0xff);
	uname(&u);
	printf("machine %s\n", u.machine);
}

static void info(void)
{
	struct sysinfo i;

	SHOW(sysinfo(&i));
	printf("sensible: %d %d %d %d\n", i.uptime > 0, i.totalram > 0, i.freeram <= i.totalram,
	       i.procs > 0);
	SHOW(sys(sysinfo, BAD));
	SHOW(sys(syslog, -1, NULL, 0));
	SHOW(sys(syslog, 100, NULL, 0));
}

#define PRIO(class, level) ((class) << 13 | (level))
static void io_priorities(void)
{
	SHOW(sys(ioprio_set, 1, 0, PRIO(2, 3)));
	SHOW(sys(ioprio_get, 1, 0));
	SHOW(sys(ioprio_set, 1, 0, PRIO(3, 0)));
	SHOW(sys(ioprio_get, 1, getpid()));
	SHOW(sys(ioprio_set, 1, 0, PRIO(2, 8)));
	SHOW(sys(ioprio_set, 1, 0, PRIO(4, 0)));
	SHOW(sys(ioprio_set, 9, 0, PRIO(2, 0)));
	SHOW(sys(ioprio_get, 9, 0));
	SHOW(sys(ioprio_get, 1, 1 << 22));
	SHOW(sys(ioprio_set, 1, 1 << 22, PRIO(2, 0)));
}

static void memory_policies(void)
{
	unsigned long mask = 1, far = 1UL << 40, got[16] = {77};
	int mode = 77;

	SHOW(sys(set_mempolicy, MPOL_DEFAULT, NULL, 0));
	SHOW(sys(set_mempolicy, MPOL_DEFAULT, &mask, 64));
	SHOW(sys(set_mempolicy, MPOL_BIND, NULL, 0));
	SHOW(sys(set_mempolicy, MPOL_BIND, &mask, 64));
	SHOW(sys(set_mempolicy, MPOL_BIND, &far, 64));
	SHOW(sys(set_mempolicy, MPOL_BIND, BAD, 64));
	SHOW(sys(set_mempolicy, MPOL_LOCAL, NULL, 0));
	SHOW(sys(set_mempolicy, 99, NULL, 0));
	SHOW(sys(set_mempolicy, MPOL_DEFAULT, NULL, 0));
	SHOW(sys(get_mempolicy, &mode, got, 1024, NULL, 0));
	printf("mode %d mask %lu\n", mode, got[0]);
	SHOW(sys(get_mempolicy, NULL, got, 1024, NULL, MPOL_F_MEMS_ALLOWED));
	printf("allowed %lu\n", got[0]);
	SHOW(sys(get_mempolicy, &mode, NULL, 0, &mask, MPOL_F_ADDR | MPOL_F_NODE));
	printf("node %d\n", mode);
	SHOW(sys(get_mempolicy, NULL, NULL, 0, BAD, 0));
	SHOW(sys(get_mempolicy, NULL, NULL, 0, NULL, 64));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOFBF, 0);
	names();
	personalities();
	info();
	io_priorities();
	memory_policies();
	return 0;
}
