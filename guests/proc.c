/*
 * proc.c - /proc: one's own process, a child, a zombie, threads, descriptors, and the system.
 */
#include "check.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[1 << 20];

/* A whole file into text; its length or -1. */
static ssize_t slurp(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, len = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	close(fd);
	text[len] = '\0';
	return n < 0 ? -1 : len;
}

/* Does text have the line "key..."?  What follows, up to the end of the line, or NULL. */
static const char *value(const char *key)
{
	static char out[256];

	for (char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, strlen(key)) == 0) {
			snprintf(out, sizeof(out), "%.*s", (int)strcspn(p + strlen(key), "\n"),
				 p + strlen(key));
			return out;
		}
		if (!*p)
			break;
	}
	return NULL;
}

static int fields(const char *p)
{
	int n = 0;

	while (*p) {
		while (isspace((unsigned char)*p))
			p++;
		n += *p != '\0';
		while (*p && !isspace((unsigned char)*p))
			p++;
	}
	return n;
}

static void names(void)
{
	char link[256] = "", want[32];
	int fd;

	CHECK(slurp("/proc/self/comm") == 5 && strcmp(text, "proc\n") == 0);
	fd = open("/proc/self/comm", O_WRONLY);
	CHECK(write(fd, "a name that is too long\n", 24) == 24);
	close(fd);
	CHECK(slurp("/proc/self/comm") == 16 && strcmp(text, "a name that is \n") == 0);
	CHECK(prctl(PR_GET_NAME, text) == 0 && strcmp(text, "a name that is ") == 0);
	CHECK(slurp("/proc/self/stat") > 0 && strstr(text, " (a name that is ) R "));
	prctl(PR_SET_NAME, "proc");
	CHECK(slurp("/proc/self/cmdline") > 4 && text[strlen(text) + 1] == '\0');
	CHECK(strcmp(text + strlen(text) - 5, "/proc") == 0);
	CHECK(readlink("/proc/self/exe", link, sizeof(link) - 1) > 0);
	CHECK(strcmp(link + strlen(link) - 5, "/proc") == 0);
	memset(link, 0, sizeof(link));
	CHECK(readlink("/proc/self/cwd", link, sizeof(link) - 1) > 0);
	CHECK(getcwd(text, sizeof(text)) && strcmp(text, link) == 0);
	memset(link, 0, sizeof(link));
	CHECK(readlink("/proc/self/root", link, sizeof(link) - 1) == 1 && link[0] == '/');
	memset(link, 0, sizeof(link));
	CHECK(readlink("/proc/self", link, sizeof(link) - 1) > 0);
	snprintf(want, sizeof(want), "%d", getpid());
	CHECK(strcmp(link, want) == 0);
	memset(link, 0, sizeof(link));
	CHECK(readlink("/proc/thread-self", link, sizeof(link) - 1) > 0);
	snprintf(want, sizeof(want), "%d/task/%d", getpid(), getpid());
	CHECK(strcmp(link, want) == 0);
}

static void numbers(void)
{
	static const char *const keys[] = {"Name:\tproc",
					   "Umask:\t00",
					   "State:\tR (running)",
					   "Tgid:\t",
					   "Pid:\t",
					   "PPid:\t",
					   "TracerPid:\t",
					   "Uid:\t",
					   "Gid:\t",
					   "FDSize:\t",
					   "Groups:\t",
					   "VmPeak:\t",
					   "VmSize:\t",
					   "VmRSS:\t",
					   "VmData:\t",
					   "VmStk:\t",
					   "VmExe:\t",
					   "Threads:\t1",
					   "SigQ:\t",
					   "SigPnd:\t0000000000000000",
					   "ShdPnd:\t0000000000000000",
					   "SigBlk:\t0000000000000800",
					   "SigIgn:\t",
					   "SigCgt:\t0000000000000200",
					   "CapInh:\t",
					   "CapPrm:\t",
					   "CapEff:\t",
					   "CapBnd:\t",
					   "NoNewPrivs:\t0",
					   "Seccomp:\t0",
					   "Cpus_allowed_list:\t",
					   "voluntary_ctxt_switches:\t",
					   "nonvoluntary_ctxt_switches:\t"};
	int pid, ppid, pgrp, sid;
	sigset_t set;
	char *p;

	signal(SIGUSR1, (void (*)(int))numbers);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(slurp("/proc/self/status") > 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!value(keys[i]))
			printf("FAIL no line %s in status\n", keys[i]);
	CHECK(atoi(value("Pid:\t")) == getpid() && atoi(value("PPid:\t")) == getppid());
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR1, SIG_DFL);
	CHECK(slurp("/proc/self/stat") > 0);
	printf("stat has %d fields\n", fields(text));
	p = strrchr(text, ')');
	CHECK(sscanf(text, "%d", &pid) == 1 && pid == getpid());
	CHECK(p && sscanf(p, ") R %d %d %d", &ppid, &pgrp, &sid) == 3);
	CHECK(ppid == getppid() && pgrp == getpgrp() && sid == getsid(0));
	CHECK(slurp("/proc/self/statm") > 0 && fields(text) == 7);
	CHECK(slurp("/proc/self/limits") > 0);
	CHECK(value("Max open files") &&
	      value("Max cpu time              unlimited            unlimited            seconds"));
	CHECK(slurp("/proc/self/oom_score_adj") > 0);
	CHECK(slurp("/proc/self/cgroup") > 0);
}

/* The region that holds p: its permissions in perms[5]. */
static int region_of(const void *p, char *perms, char *name)
{
	unsigned long a, b, off;
	int n;

	slurp("/proc/self/maps");
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		name[0] = '\0';
		n = sscanf(line, "%lx-%lx %4s %lx %*x:%*x %*d %255[^\n]", &a, &b, perms, &off,
			   name);
		if (n >= 4 && (unsigned long)p >= a && (unsigned long)p < b)
			return 0;
	}
	return -1;
}

/* What smaps says of a shared mapping: whether its file may be written makes a difference. */
static void mapping_flags(int mode)
{
	static const char *const known[] = {"rd", "wr", "sh", "mr", "mw", "me", "ms"};
	int fd = open("flagged", O_RDWR | O_CREAT, 0600);
	char line[40], *at, *flags;
	void *p;

	CHECK_OK(ftruncate(fd, 4096));
	close(fd);
	fd = open("flagged", mode);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	snprintf(line, sizeof(line), "%lx-", (unsigned long)p);
	CHECK(slurp("/proc/self/smaps") > 0);
	at = strstr(text, line);
	flags = at ? strstr(at, "VmFlags:") : NULL;
	CHECK(flags);
	if (flags) {
		*strchr(flags, '\n') = '\0';
		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strstr(flags, known[i]))
				printf("%s ", known[i]);
		printf("of a file opened %s\n", mode == O_RDONLY ? "to read" : "to read and write");
	}
	munmap(p, 4096);
	close(fd);
	unlink("flagged");
}

static void memory(void)
{
	static const char constant[] = "mapped";
	char perms[5], name[256], byte = 'A';
	volatile char onstack = 0;
	unsigned long auxv[2];
	int fd = open("plain file", O_RDWR | O_CREAT, 0600), found = 0;
	char *map;

	CHECK(region_of(constant, perms, name) == 0 && perms[0] == 'r' && perms[3] == 'p');
	CHECK(strstr(name, "/proc"));
	CHECK(region_of((void *)memory, perms, name) == 0 && strcmp(perms, "r-xp") == 0);
	CHECK(region_of((void *)&onstack, perms, name) == 0 && strcmp(perms, "rw-p") == 0);
	CHECK(strcmp(name, "[stack]") == 0);
	CHECK(region_of(sbrk(0) - 1, perms, name) < 0 || strcmp(name, "[heap]") == 0);
	CHECK_OK(ftruncate(fd, 8192));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(region_of(map, perms, name) == 0 && strcmp(perms, "rw-s") == 0);
	CHECK(strcmp(name + strlen(name) - 10, "plain file") == 0);
	CHECK_OK(mprotect(map + 4096, 4096, PROT_NONE));
	CHECK(region_of(map + 4096, perms, name) == 0 && strcmp(perms, "---s") == 0);
	CHECK_OK(unlink("plain file"));
	CHECK(region_of(map, perms, name) == 0);
	CHECK(strcmp(name + strlen(name) - 20, "plain file (deleted)") == 0);
	munmap(map, 8192);
	close(fd);
	fd = open("/proc/self/mem", O_RDWR);
	CHECK(pread(fd, &byte, 1, (off_t)(unsigned long)constant) == 1 && byte == 'm');
	byte = 'Z';
	CHECK(pwrite(fd, &byte, 1, (off_t)(unsigned long)&onstack) == 1 && onstack == 'Z');
	CHECK_ERR(pread(fd, &byte, 1, 8), EIO);
	close(fd);
	fd = open("/proc/self/auxv", O_RDONLY);
	while (read(fd, auxv, sizeof(auxv)) == sizeof(auxv) && auxv[0])
		found += auxv[0] == AT_PHDR && auxv[1] == getauxval(AT_PHDR);
	CHECK(found == 1);
	close(fd);
	CHECK(slurp("/proc/self/environ") > 0 || !getenv("PATH"));
	CHECK(slurp("/proc/self/smaps_rollup") > 0 && value("Rss:"));
	mapping_flags(O_RDONLY);
	mapping_flags(O_RDWR);
}

static void descriptors(void)
{
	int fd = open("dir entry", O_RDWR | O_CREAT, 0640), again, p[2], n = 0;
	char name[64], link[256] = "";
	struct dirent *d;
	struct stat st, st2;
	DIR *dir;

	CHECK(write(fd, "0123456789", 10) == 10);
	CHECK(lseek(fd, 4, SEEK_SET) == 4);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	CHECK(slurp(name) > 0 && strcmp(value("pos:\t"), "4") == 0);
	CHECK(strcmp(value("flags:\t"), "0100002") == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_OK(lstat(name, &st));
	CHECK(S_ISLNK(st.st_mode) && (st.st_mode & 0777) == 0700);
	CHECK_OK(stat(name, &st));
	CHECK_OK(fstat(fd, &st2));
	CHECK(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	CHECK_OK(unlink("dir entry"));
	CHECK(readlink(name, link, sizeof(link) - 1) > 0);
	CHECK(strcmp(link + strlen(link) - 19, "dir entry (deleted)") == 0);
	again = open(name, O_RDONLY); /* though it has no name any more */
	CHECK(again >= 0 && read(again, link, 3) == 3 && memcmp(link, "012", 3) == 0);
	close(again);
	close(fd);
	CHECK_ERR(readlink(name, link, sizeof(link)), ENOENT);
	CHECK_OK(pipe(p));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
	memset(link, 0, sizeof(link));
	CHECK(readlink(name, link, sizeof(link) - 1) > 0 && strncmp(link, "pipe:[", 6) == 0);
	CHECK_OK(lstat(name, &st));
	CHECK((st.st_mode & 0777) == 0500);
	dir = opendir("/proc/self/fd");
	while ((d = readdir(dir)))
		n += isdigit((unsigned char)d->d_name[0]) && fcntl(atoi(d->d_name), F_GETFD) >= 0;
	CHECK(n >= 6); /* 0 to 2, the pipe and the directory itself */
	closedir(dir);
	close(p[0]);
	close(p[1]);
	CHECK_ERR(open("/proc/self/fd/01", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/fd/-1", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/fd/99999999999999999999", O_RDONLY), ENOENT);
}

static void *sleeper(void *arg)
{
	char c;

	prctl(PR_SET_NAME, "second");
	(void)!write(((int *)arg)[3], "r", 1);
	(void)!read(((int *)arg)[0], &c, 1);
	return (void *)(long)syscall(SYS_gettid);
}

static void threads(void)
{
	int p[4], n = 0, seen = 0;
	struct dirent *d;
	struct stat st;
	char name[300], c;
	pthread_t th;
	void *tid;
	DIR *dir;

	CHECK_OK(pipe(p));
	CHECK_OK(pipe(p + 2));
	pthread_create(&th, NULL, sleeper, p);
	CHECK(read(p[2], &c, 1) == 1);
	dir = opendir("/proc/self/task");
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		n++;
		snprintf(name, sizeof(name), "/proc/self/task/%s/comm", d->d_name);
		CHECK(slurp(name) > 0);
		seen += strcmp(text, "second\n") == 0;
	}
	closedir(dir);
	CHECK(n == 2 && seen == 1);
	CHECK_OK(stat("/proc/self/task", &st));
	CHECK(st.st_nlink == 4);
	CHECK(slurp("/proc/self/status") > 0 && atoi(value("Threads:\t")) == 2);
	CHECK(write(p[1], "x", 1) == 1);
	pthread_join(th, &tid);
	snprintf(name, sizeof(name), "/proc/%ld", (long)tid);
	CHECK_ERR(stat(name, &st), ENOENT);
	for (int i = 0; i < 4; i++)
		close(p[i]);
}

static char state_of(pid_t pid)
{
	char name[64], *p;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	p = slurp(name) > 0 ? strrchr(text, ')') : NULL;
	return p ? p[2] : '?';
}

static void children(void)
{
	char name[64], link[256];
	siginfo_t info;
	int p[2], status, dir;
	pid_t pid;

	CHECK_OK(pipe(p));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char c;

		_exit(read(p[0], &c, 1) == 1 ? 9 : 1);
	}
	for (int i = 0; i < 200 && state_of(pid) != 'S'; i++)
		usleep(5000);
	CHECK(state_of(pid) == 'S');
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	CHECK(state_of(pid) == 'T');
	kill(pid, SIGCONT);
	snprintf(name, sizeof(name), "/proc/%d", pid);
	dir = open(name, O_RDONLY | O_DIRECTORY);
	CHECK(write(p[1], "x", 1) == 1);
	waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
	CHECK(state_of(pid) == 'Z');
	snprintf(name, sizeof(name), "/proc/%d/cmdline", pid);
	CHECK(slurp(name) == 0);
	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	CHECK(slurp(name) > 0 && value("State:\tZ (zombie)") && !value("VmSize:"));
	snprintf(name, sizeof(name), "/proc/%d/ns/net", pid);
	CHECK_ERR(readlink(name, link, sizeof(link)), ENOENT);
	snprintf(name, sizeof(name), "/proc/%d/exe", pid);
	CHECK_ERR(readlink(name, link, sizeof(link)), ENOENT);
	waitpid(pid, &status, 0);
	CHECK(WEXITSTATUS(status) == 9);
	CHECK_ERR(readlink(name, link, sizeof(link)), ENOENT);
	CHECK_ERR(openat(dir, "stat", O_RDONLY),
		  ESRCH); /* the directory is held, its process gone */
	close(dir);
	close(p[0]);
	close(p[1]);
}

static void system_files(void)
{
	static const char *const readable[] = {"/proc/version",
					       "/proc/filesystems",
					       "/proc/mounts",
					       "/proc/self/mountinfo",
					       "/proc/cmdline",
					       "/proc/sys/kernel/pid_max",
					       "/proc/sys/kernel/threads-max",
					       "/proc/sys/vm/overcommit_memory",
					       "/proc/sys/vm/max_map_count",
					       "/proc/sys/fs/file-max",
					       "/proc/sys/fs/nr_open",
					       "/proc/sys/fs/pipe-max-size",
					       "/proc/sys/kernel/cap_last_cap",
					       "/proc/sys/kernel/ngroups_max"};
	struct utsname u;
	char line[128], first[64];
	int fd;

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		if (slurp(readable[i]) <= 0)
			printf("FAIL cannot read %s\n", readable[i]);
	uname(&u);
	snprintf(line, sizeof(line), "%s\n", u.release);
	CHECK(slurp("/proc/sys/kernel/osrelease") > 0 && strcmp(text, line) == 0);
	snprintf(line, sizeof(line), "%s\n", u.nodename);
	CHECK(slurp("/proc/sys/kernel/hostname") > 0 && strcmp(text, line) == 0);
	CHECK(slurp("/proc/sys/kernel/ostype") == 6);
	CHECK(slurp("/proc/meminfo") > 0 && atol(value("MemTotal:")) > 0 && value("MemAvailable:"));
	CHECK(slurp("/proc/uptime") > 0 && fields(text) == 2);
	CHECK(slurp("/proc/loadavg") > 0 && fields(text) == 5);
	CHECK(slurp("/proc/stat") > 0 && value("cpu  ") && value("cpu0 ") && value("btime "));
	CHECK(slurp("/proc/cpuinfo") > 0 && value("processor\t: 0"));
	CHECK(slurp("/proc/sys/kernel/random/uuid") == 37);
	snprintf(first, sizeof(first), "%s", text);
	CHECK(slurp("/proc/sys/kernel/random/uuid") == 37 && strcmp(first, text) &&
	      text[14] == '4');
	CHECK(slurp("/proc/sys/kernel/random/boot_id") == 37);
	snprintf(first, sizeof(first), "%s", text);
	CHECK(slurp("/proc/sys/kernel/random/boot_id") == 37 && strcmp(first, text) == 0);
	/* One pass sees one state; back at the beginning it is made anew. */
	fd = open("/proc/uptime", O_RDONLY);
	CHECK(read(fd, first, 1) == 1 && lseek(fd, 0, SEEK_SET) == 0 && read(fd, line, 1) == 1);
	close(fd);
	CHECK_ERR(open("/proc/none", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/999999999", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/none", O_RDONLY), ENOENT);
	CHECK_ERR(open("/proc/self/new", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK_ERR(readlink("/proc/version", line, sizeof(line)), EINVAL);
}

int main(void)
{
	names();
	numbers();
	memory();
	descriptors();
	threads();
	children();
	system_files();
	return check_done();
}
