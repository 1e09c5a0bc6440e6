/*
 * exhaust.c - use up one thing, and say what the kernel answered in the end.
 *
 *	exhaust WHAT	memory brk touch files descriptors pipes memfds sockets passed pids threads
 *space names depth signals timers watches maps locks stack arguments
 *
 * Prints "WHAT: ERRNO" and, after giving back what it took, "still works".
 */
#include "hostile.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#define MIB (1UL << 20)

static const char *what;
static long made;

static void answer(int error)
{
	printf("%s: %s\n", what, error ? strerrorname_np(error) : "no end");
	fprintf(stderr, "(%ld)\n", made);
}

/* More than the usual 1024, but not so many that the test takes minutes. */
static void raise_descriptors(void)
{
	struct rlimit l;

	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max < 65536 ? l.rlim_max : 65536;
	setrlimit(RLIMIT_NOFILE, &l);
}

static int memory(void)
{
	for (; made < 100000; made++)
		if (mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED)
			return errno;
	return 0;
}

static int heap(void)
{
	for (; made < 100000; made++)
		if (sbrk(MIB) == (void *)-1)
			return errno;
	return 0;
}

/* Also from children, which share the allowance. */
static int touch(void)
{
	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (;;) {
				char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

				if (p == MAP_FAILED)
					_exit(errno);
				memset(p, 1, MIB);
			}
		}
		if (pid < 0)
			return errno;
	}
	for (int i = 0; i < 8; i++) {
		int status;

		if (wait(&status) > 0 && status != ENOMEM << 8)
			return WEXITSTATUS(status) ? WEXITSTATUS(status) : EPROTO;
	}
	return ENOMEM;
}

static int until_error(int (*make)(void))
{
	for (; made < 200000; made++)
		if (make() < 0)
			return errno;
	return 0;
}

static int one_null(void)
{
	return open("/dev/null", O_RDONLY);
}

static int one_pipe(void)
{
	int fd[2];

	return pipe(fd);
}

/* A socket whose peer never reads, written to until there is no room. */
static int one_socket(void)
{
	static const char bytes[65536];
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) < 0)
		return -1;
	while (write(fd[0], bytes, sizeof(bytes)) > 0)
		;
	return errno == EAGAIN ? 0 : -1;
}

/* A socket that lies in the queue of the next one, and so on: nobody has a descriptor of it. */
static int one_passed(void)
{
	static int last = -1;
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.h = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec byte = {"x", 1};
	struct msghdr m = {.msg_iov = &byte,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int fd[2], ret = 0;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) < 0)
		return -1;
	if (last >= 0) {
		memcpy(CMSG_DATA(&control.h), &last, sizeof(last));
		ret = (int)sendmsg(fd[1], &m, 0);
		close(last);
	}
	close(fd[1]);
	last = fd[0];
	return ret;
}

static int one_memfd(void)
{
	int fd = memfd_create("x", 0);

	return fd < 0 ? fd : (int)write(fd, "x", 1);
}

static int one_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void *sleep_for_ever(void *arg)
{
	while (pause() < 0)
		;
	return NULL;
}

static int one_thread(void)
{
	pthread_t t;
	pthread_attr_t a;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 65536);
	errno = pthread_create(&t, &a, sleep_for_ever, NULL);
	return errno ? -1 : 0;
}

static int space(void)
{
	static char block[65536];
	int fd = open("space-test", O_CREAT | O_WRONLY | O_TRUNC, 0600), error = 0;

	memset(block, 'x', sizeof(block));
	for (; !error && made < 1000000; made++)
		if (write(fd, block, sizeof(block)) < 0)
			error = errno;
	close(fd);
	unlink("space-test");
	return error;
}

static int one_name(void)
{
	char name[240];

	memset(name, 'n', sizeof(name));
	snprintf(name + 200, sizeof(name) - 200, "%ld", made);
	return mknod(name, S_IFREG | 0600, 0);
}

static int one_level(void)
{
	return mkdir("d", 0700) < 0 || chdir("d") < 0 ? -1 : 0;
}

static int one_signal(void)
{
	union sigval v = {.sival_int = 1};

	return sigqueue(getpid(), SIGRTMIN, v);
}

static int one_timer(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	timer_t t;

	return timer_create(CLOCK_MONOTONIC, &ev, &t);
}

static int one_watch(void)
{
	static int fd = -1;
	char name[32];

	if (fd < 0)
		fd = inotify_init();
	snprintf(name, sizeof(name), "w%ld", made);
	close(open(name, O_CREAT | O_WRONLY, 0600));
	return inotify_add_watch(fd, name, IN_ALL_EVENTS);
}

/* Neighbours with different protections are different regions. */
static int one_map(void)
{
	static char *p;

	if (!p)
		p = mmap(NULL, 4096UL * 400000, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? -1 : mprotect(p + made * 8192, 4096, PROT_READ);
}

static int one_lock(void)
{
	static int fd = -1;
	struct flock l = {.l_type = F_WRLCK, .l_start = made * 2, .l_len = 1};

	if (fd < 0)
		fd = open("lock", O_CREAT | O_RDWR, 0600);
	if (made == 5000) /* Linux has no limit; a list of them takes time */
		exit(printf("locks: no end\n") < 0);
	return fcntl(fd, F_SETLK, &l);
}

static __attribute__((noinline)) int deep(volatile char *above)
{
	volatile char here[65536];

	here[0] = above ? above[0] : 1;
	return here[0] ? deep(here) + here[1] : 0;
}

static int overflow(void *arg)
{
	return deep(NULL);
}

static int arguments(void)
{
	static char *argv[200000];
	char *big = malloc(130000);

	memset(big, 'a', 129999);
	big[129999] = 0;
	for (made = 0; made < 100; made++)
		argv[made] = big;
	execv("/proc/self/exe", argv);
	return errno;
}

static const struct thing {
	const char *name;
	int (*run)(void);
	int (*one)(void);
	bool in_child; /* all of it goes with the child */
} things[] = {
    {"memory", memory, NULL, true},	  {"brk", heap, NULL, true},
    {"touch", touch, NULL, true},	  {"descriptors", NULL, one_null, true},
    {"pipes", NULL, one_pipe, true},	  {"memfds", NULL, one_memfd, true},
    {"sockets", NULL, one_socket, true},  {"passed", NULL, one_passed, true},
    {"pids", NULL, one_child, true},	  {"threads", NULL, one_thread, true},
    {"space", space, NULL, false},	  {"names", NULL, one_name, true},
    {"depth", NULL, one_level, true},	  {"signals", NULL, one_signal, true},
    {"timers", NULL, one_timer, true},	  {"watches", NULL, one_watch, true},
    {"maps", NULL, one_map, true},	  {"locks", NULL, one_lock, true},
    {"arguments", arguments, NULL, true},
};

static int exhaust(void *arg)
{
	const struct thing *t = arg;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise_descriptors();
	answer(t->run ? t->run() : until_error(t->one));
	fflush(stdout);
	return 0;
}

/* Files that stay take their memory with them: then ENOMEM is right, and is an answer too. */
static void still_works(bool full)
{
	char *p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd[2], status = 1, out = open("/dev/null", O_RDWR);
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (full && errno == ENOMEM)
		printf("still works\n");
	else if (p == MAP_FAILED || pipe(fd) < 0 || pid < 0 || waitpid(pid, &status, 0) < 0 ||
		 status || write(out, "x", 1) != 1)
		printf("FAIL afterwards: %s\n", strerrorname_np(errno));
	else
		printf("still works\n");
}

int main(int argc, char **argv)
{
	require_box();
	if (argc != 2)
		return 97;
	what = argv[1];
	if (strcmp(what, "stack") == 0)
		printf("stack: status %d\n", in_child(overflow, NULL, 20000));
	for (unsigned i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		if (strcmp(what, things[i].name) != 0)
			continue;
		if (things[i].in_child)
			printf("status %d\n", in_child(exhaust, (void *)&things[i], 60000));
		else
			exhaust((void *)&things[i]);
	}
	kill(-1, SIGKILL);
	while (wait(NULL) > 0)
		;
	still_works(strcmp(what, "names") == 0 || strcmp(what, "depth") == 0 ||
		    strcmp(what, "watches") == 0);
	return 0;
}
