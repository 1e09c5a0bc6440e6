/*
 * child.c - one program started, bound, waited for, and what it said.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile bool bench_interrupted;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Everyone on the first CPU that we may use, natively as in each way. */
static void pin_to_one(void)
{
	cpu_set_t may, one;

	if (sched_getaffinity(0, sizeof(may), &may) != 0)
		return;
	CPU_ZERO(&one);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &may)) {
			CPU_SET(cpu, &one);
			break;
		}
	sched_setaffinity(0, sizeof(one), &one);
}

/* The directory that children make for their files: a name that nobody has. */
static const char *scratch_name(void)
{
	static char name[] = "/tmp/ukernel-bench.XXXXXX";
	static bool chosen;

	if (!chosen && mkdtemp(name))
		rmdir(name);
	chosen = true;
	return name;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static _Noreturn void child_main(const char *const *argv, enum bench_cores cores, int out, int err)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (cores == CORES_ONE)
		pin_to_one();
	dup2(null, 0);
	dup2(out, 1);
	dup2(err, 2);
	close_range(3, ~0U, 0);
	signal(SIGINT, SIG_DFL);
	setenv("UKERNEL_BENCH_SCRATCH", scratch_name(), 1);
	setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
	if (chdir("/") == 0)
		execvp(argv[0], (char *const *)argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Keep the end of what a child says. */
static bool take_output(int fd, char *text, size_t size)
{
	char part[4096];
	ssize_t n = read(fd, part, sizeof(part));
	size_t len = strlen(text), keep;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	for (ssize_t i = 0; i < n; i++)
		if (!part[i])
			part[i] = ' ';
	if (len + (size_t)n >= size) {
		keep = (size_t)n < size / 2 ? size / 2 : size - 1 - (size_t)n;
		if (keep < len) {
			memmove(text, text + len - keep, keep);
			len = keep;
		}
	}
	memcpy(text + len, part, (size_t)n);
	text[len + (size_t)n] = '\0';
	return true;
}

static void read_until_end(struct bench_child *c, pid_t pid, int out, int err, uint64_t deadline_ns)
{
	struct pollfd fds[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
	bool killed = false;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		uint64_t now = now_ns();

		if (!killed && (bench_interrupted || now >= deadline_ns)) {
			killed = true;
			kill(-pid, SIGKILL);
			/* What it left running may hold the pipes: not for ever. */
			deadline_ns = now + 2000000000;
		} else if (killed && now >= deadline_ns) {
			break;
		}
		if (poll(fds, 2, 200) <= 0)
			continue;
		if (fds[0].revents && !take_output(out, c->out, sizeof(c->out)))
			fds[0].fd = -1;
		if (fds[1].revents && !take_output(err, c->err, sizeof(c->err)))
			fds[1].fd = -1;
	}
	c->status = killed ? -1 : 0;
}

void bench_child_run(struct bench_child *c, const char *const *argv, enum bench_cores cores,
		     unsigned seconds)
{
	int out[2], err[2], status = 0;

	memset(c, 0, sizeof(*c));
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
		c->status = 125;
		return;
	}
	const char *scratch = scratch_name();
	uint64_t began = now_ns();
	pid_t pid = fork();
	if (pid == 0)
		child_main(argv, cores, out[1], err[1]);
	setpgid(pid, pid);
	close(out[1]);
	close(err[1]);
	read_until_end(c, pid, out[0], err[0], began + seconds * 1000000000ULL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	c->took_ns = (double)(now_ns() - began);
	kill(-pid, SIGKILL); /* what it left behind */
	if (c->status == -1)
		nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	close(out[0]);
	close(err[0]);
	char *end = strstr(c->out, "reboot: "); /* a kernel's last words are not the reason */
	if (end)
		*end = '\0';
	if (c->status == 0)
		c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void bench_last_line(const char *text, char *out, size_t len)
{
	size_t end = strlen(text), start, n = 0;

	while (end && strchr(" \n\r\t", text[end - 1]))
		end--;
	for (start = end; start && !strchr("\n\r", text[start - 1]); start--)
		;
	for (size_t i = start; i < end && n + 1 < len; i++)
		if ((unsigned char)text[i] >= ' ' && (unsigned char)text[i] < 127)
			out[n++] = text[i];
	out[n] = '\0';
}
