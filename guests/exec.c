/*
 * exec.c - execve(2) and execveat(2): what a program keeps and what it loses, scripts, limits,
 * errors.  It runs itself under other names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char self[4096];

static void script(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	if (write(fd, text, strlen(text)) < 0)
		exit(1);
	close(fd);
	chmod(name, mode);
}

/* Run f in a child and say how that ended. */
static void in_child(const char *what, void (*f)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		f();
		printf("  failed: %s\n", strerrorname_np(errno));
		fflush(stdout);
		_exit(99);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", what, WTERMSIG(status));
	else
		printf("%s: exit %d\n", what, WEXITSTATUS(status));
}

static void run(char *const argv[], char *const envp[])
{
	execve(self, argv, envp);
}

static void plain(void)
{
	run((char *[]){"name", "show", "a b", "", "c", NULL}, (char *[]){"X=1", "Y=", NULL});
}

static void no_args(void)
{
	run(NULL, NULL);
}

static void handler(int sig)
{
}

static void state(void)
{
	sigset_t set;
	int keep = open("/dev/null", O_RDONLY), lose = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(keep, 20);
	dup3(lose, 21, O_CLOEXEC);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTERM);
	umask(027);
	nice(3);
	run((char *[]){"name", "state", NULL}, (char *[]){NULL});
}

static void *execs(void *arg)
{
	char *argv[] = {"name", "threads", NULL};

	run(argv, (char *[]){NULL});
	return NULL;
}

static void *spins(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void threads(void)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, spins, NULL);
	pthread_create(&t, NULL, execs, NULL);
	pause();
}

static void script_plain(void)
{
	char *argv[] = {"ignored", "one", "two", NULL};

	execve("./s1", argv, (char *[]){NULL});
}

static void script_nested(void)
{
	char *argv[] = {"ignored", "one", NULL};

	execve("./s2", argv, (char *[]){NULL});
}

static void script_loop(void)
{
	char *argv[] = {"x", NULL};

	execve("./loop", argv, NULL);
}

static void by_descriptor(void)
{
	int fd = open(self, O_PATH);

	syscall(SYS_execveat, fd, "", (char *[]){"fd", "show", NULL}, NULL, AT_EMPTY_PATH);
}

static void script_by_cloexec(void)
{
	int fd = open("s1", O_RDONLY | O_CLOEXEC);

	syscall(SYS_execveat, fd, "", (char *[]){"fd", NULL}, NULL, AT_EMPTY_PATH);
}

static void one_error(const char *what, const char *path)
{
	execve(path, (char *[]){"x", NULL}, NULL);
	printf("  %s: %s\n", what, strerrorname_np(errno));
}

static void at_error(const char *what, int fd, const char *path, int flags)
{
	syscall(SYS_execveat, fd, path, (char *[]){"x", NULL}, NULL, flags);
	printf("  %s: %s\n", what, strerrorname_np(errno));
}

/* A file that is being written cannot run, and a running one cannot be written. */
static void busy(void)
{
	int fd = open("s1", O_WRONLY);

	one_error("being written", "./s1");
	close(fd);
	fd = open(self, O_WRONLY);
	printf("  writing a running program: %s\n", fd < 0 ? strerrorname_np(errno) : "opened");
	printf("  truncating it: %s\n", truncate(self, 1 << 30) ? strerrorname_np(errno) : "0");
}

/* As often as one likes: a program that has ended is busy no more. */
static void written_again(void)
{
	static char image[65536];

	for (int i = 0; i < 3; i++) {
		int from = open(self, O_RDONLY),
		    to = open("again", O_WRONLY | O_CREAT | O_TRUNC, 0700);
		pid_t child;
		ssize_t n;

		if (to < 0)
			return;
		while ((n = read(from, image, sizeof(image))) > 0)
			if (write(to, image, n) != n)
				return;
		close(from);
		close(to);
		child = vfork();
		if (!child) {
			execl("again", "again", "show", NULL);
			_exit(98);
		}
		waitpid(child, NULL, 0);
	}
	_exit(0);
}

static void errors(void)
{
	static char longname[5000];
	char *bad[] = {(char *)1, NULL};

	memset(longname, 'a', sizeof(longname) - 1);
	mkdir("dir", 0700);
	script("plain", "#!/bin/true\n", 0600);
	script("empty", "", 0700);
	script("text", "echo hello\n", 0700);
	script("nointerp", "#!/does/not/exist\n", 0700);
	script("nothing", "#!   \n", 0700);
	script("blank", "#!", 0700);
	script("dirinterp", "#!/tmp\n", 0700);
	if (symlink("circle", "circle"))
		exit(1);
	one_error("missing", "./missing");
	one_error("empty path", "");
	one_error("not executable", "./plain");
	one_error("directory", "./dir");
	one_error("below a file", "./plain/x");
	one_error("empty file", "./empty");
	one_error("text", "./text");
	one_error("no interpreter", "./nointerp");
	one_error("no name of an interpreter", "./nothing");
	one_error("blank", "./blank");
	one_error("a directory as interpreter", "./dirinterp");
	one_error("symlink loop", "./circle");
	busy();
	one_error("long name", longname);
	execve((char *)1, NULL, NULL);
	printf("  bad path: %s\n", strerrorname_np(errno));
	execve(self, (char **)1, NULL);
	printf("  bad argv: %s\n", strerrorname_np(errno));
	execve(self, bad, NULL);
	printf("  bad argument: %s\n", strerrorname_np(errno));
	execve(self, NULL, bad);
	printf("  bad environment: %s\n", strerrorname_np(errno));
	at_error("flags", AT_FDCWD, self, 1);
	at_error("empty path, no flag", AT_FDCWD, "", 0);
	at_error("bad descriptor", 99, "x", 0);
	at_error("bad descriptor, empty path", 99, "", AT_EMPTY_PATH);
	at_error("symlink not followed", AT_FDCWD, "./circle", AT_SYMLINK_NOFOLLOW);
	fflush(stdout);
	_exit(0);
}

static void big(size_t len, int count)
{
	char *s = malloc(len + 1), **argv = calloc(count + 3, sizeof(*argv));

	memset(s, 'b', len);
	s[len] = 0;
	argv[0] = "name";
	argv[1] = "count";
	for (int i = 0; i < count; i++)
		argv[i + 2] = s;
	run(argv, NULL);
}

static void longest(void)
{
	big(131071, 1);
}

static void too_long(void)
{
	big(131072, 1);
}

static void much(void)
{
	big(100000, 20);
}

static void too_much(void)
{
	big(100000, 30);
}

static void many(void)
{
	big(1, 100000);
}

static void small_stack(void)
{
	struct rlimit lim = {512 << 10, 512 << 10};

	setrlimit(RLIMIT_STACK, &lim);
	big(100000, 2);
}

static void vforked(void)
{
	pid_t child = vfork();
	int status;

	if (!child) {
		run((char *[]){"name", "show", "vfork", NULL}, NULL);
		_exit(1);
	}
	waitpid(child, &status, 0);
	_exit(WEXITSTATUS(status));
}

/* --- the program as which it runs itself --- */

static int show(int argc, char **argv, char **envp)
{
	char comm[32] = "";
	int fd = open("/proc/self/comm", O_RDONLY);

	printf("  argc %d:", argc);
	for (int i = 0; i < argc; i++)
		printf(" [%s]", argv[i]);
	printf("\n  env:");
	for (; *envp; envp++)
		printf(" [%s]", *envp);
	if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) < 0)
		return 1;
	printf("\n");
	return 0;
}

static int state_shown(void)
{
	struct sigaction act;
	sigset_t set;

	printf("  kept descriptor: %d, closed: %d\n", fcntl(20, F_GETFD), fcntl(21, F_GETFD));
	sigaction(SIGUSR1, NULL, &act);
	printf("  handler gone: %d\n", act.sa_handler == SIG_DFL);
	sigaction(SIGUSR2, NULL, &act);
	printf("  ignored stays: %d\n", act.sa_handler == SIG_IGN);
	sigprocmask(SIG_BLOCK, NULL, &set);
	printf("  mask stays: %d\n", sigismember(&set, SIGTERM));
	sigpending(&set);
	printf("  pending stays: %d\n", sigismember(&set, SIGTERM));
	printf("  umask %o\n", umask(0));
	printf("  priority %d\n", getpriority(PRIO_PROCESS, 0));
	return 0;
}

static int threads_shown(void)
{
	printf("  leader: %d\n", getpid() == gettid());
	return 0;
}

static int play(int argc, char **argv, char **envp)
{
	if (argc > 1 && !strcmp(argv[1], "state"))
		return state_shown();
	if (argc > 1 && !strcmp(argv[1], "threads"))
		return threads_shown();
	if (argc > 1 && !strcmp(argv[1], "count")) {
		size_t sum = 0;

		for (int i = 0; i < argc; i++)
			sum += strlen(argv[i]);
		printf("  %d arguments, %zu bytes\n", argc, sum);
		return 0;
	}
	return show(argc, argv, envp);
}

int main(int argc, char **argv, char **envp)
{
	char text[5000];

	if (argc > 1 || !argv[0][0])
		return play(argc, argv, envp);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	if (strlen(self) > 200)
		return 1;
	snprintf(text, sizeof(text), "#! %s  show me \nrest\n", self);
	script("s1", text, 0700);
	script("s2", "#!./s1 argument\n", 0700);
	script("loop", "#!./loop\n", 0700);
	in_child("plain", plain);
	in_child("no arguments", no_args);
	in_child("state", state);
	in_child("threads", threads);
	in_child("script", script_plain);
	in_child("nested script", script_nested);
	in_child("script loop", script_loop);
	in_child("descriptor", by_descriptor);
	in_child("script by a closing descriptor", script_by_cloexec);
	in_child("vfork", vforked);
	in_child("written again", written_again);
	in_child("errors", errors);
	in_child("longest", longest);
	in_child("too long", too_long);
	in_child("much", much);
	in_child("too much", too_much);
	in_child("many", many);
	in_child("small stack", small_stack);
	return 0;
}
