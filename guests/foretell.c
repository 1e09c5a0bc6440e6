/*
 * foretell.c - questions about files in the orders in which a kernel may expect them, with changes
 * by others just before each: a directory's names one after the other, an open file's attributes
 * and flags, the end of a file and of a directory.
 *
 * Changes are made by a process on the other side of a page of shared memory, so that no call of
 * the one that asks lies between the change and the question.
 *
 * guest-link: static dynamic
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES  60
#define ROUNDS 6

enum change { NONE, CHMOD, TRUNCATE, UNLINK, RENAME, APPEND, MAKE, CLOSE, FLAGS, QUIT, CHANGES };

static struct shared {
	_Atomic int asked, done; /* how many changes */
	enum change what;
	int n, fd;
} * shared;

static char names[FILES][16]; /* in the order in which the directory has them */
static int dir;

static void change(enum change what, int n, int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "d/%s", names[n]);
	switch (what) {
	case CHMOD:
		CHECK_OK(chmod(name, 0751));
		break;
	case TRUNCATE:
		CHECK_OK(truncate(name, 4711));
		break;
	case UNLINK:
		CHECK_OK(unlink(name));
		break;
	case RENAME:
		CHECK_OK(rename("other", name));
		break;
	case APPEND: {
		int to = open(name, O_WRONLY | O_APPEND);

		CHECK(write(to, "more", 4) == 4);
		close(to);
		break;
	}
	case MAKE:
		close(open(name, O_CREAT | O_WRONLY, 0600));
		break;
	case CLOSE:
		CHECK(dup2(dir, fd) == fd);
		break;
	case FLAGS:
		CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
		break;
	default:
		break;
	}
}

/* The one that changes: a thread's worth of descriptors, or a process with its own. */
static int changer(void *arg)
{
	(void)arg;
	for (int k = 1;; k++) {
		while (atomic_load(&shared->asked) < k)
			;
		if (shared->what == QUIT)
			_exit(check_failures);
		change(shared->what, shared->n, shared->fd);
		atomic_store(&shared->done, k);
	}
}

/* No call in here, so that what was foretold is still there when it ends. */
static void have(enum change what, int n, int fd)
{
	int k = shared->asked + 1;

	shared->what = what;
	shared->n = n;
	shared->fd = fd;
	atomic_store(&shared->asked, k);
	while (atomic_load(&shared->done) < k && what != QUIT)
		;
}

static void fill(void)
{
	for (int i = 0; i < FILES; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "d/file%02d", i);
		fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);
		CHECK(write(fd, name, 6) == 6);
		CHECK_OK(fchmod(fd, 0644));
		close(fd);
	}
	close(open("other", O_CREAT | O_RDWR, 0600));
}

/* Reads the directory to its end, as readdir() does. */
static void list(void)
{
	static char buf[32768];
	long n;
	int found = 0;

	lseek(dir, 0, SEEK_SET);
	while ((n = syscall(SYS_getdents64, dir, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			struct dirent64 *e = (void *)(buf + at);

			if (e->d_name[0] != '.' && found < FILES)
				snprintf(names[found++], sizeof(names[0]), "%.15s", e->d_name);
			at += e->d_reclen;
		}
	}
	CHECK(n == 0 && found == FILES);
}

/* All names in a row; in the middle one of those that are next is changed. */
static void names_in_a_row(enum change what, int distance)
{
	struct stat st;

	fill();
	list();
	for (int i = 0; i < FILES; i++) {
		int at = FILES / 2 + distance, r;
		bool changed = i == at && what != NONE;

		if (i == FILES / 2 && what != NONE)
			have(what, at, -1);
		memset(&st, 0xee, sizeof(st));
		r = fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW);
		if (changed && what == UNLINK) {
			CHECK(r == -1 && errno == ENOENT);
			continue;
		}
		CHECK(r == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_blksize > 0);
		CHECK(st.st_size == (!changed || what == CHMOD ? 6
				     : what == TRUNCATE	       ? 4711
				     : what == APPEND	       ? 10
							       : 0));
		CHECK((st.st_mode & 07777) == (changed && what == CHMOD	   ? 0751
					       : changed && what == RENAME ? 0600
									   : 0644));
	}
}

static void open_files(void)
{
	struct stat st, by_name;
	char buf[100];

	fill();
	list();
	for (int i = 0; i < ROUNDS; i++) {
		int fd = openat(dir, names[i], O_RDONLY | O_CLOEXEC), other;

		CHECK_OK(fstat(fd, &st));
		CHECK_OK(fstatat(dir, names[i], &by_name, 0));
		CHECK(st.st_ino == by_name.st_ino && st.st_size == 6);
		CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
		CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY);
		CHECK(read(fd, buf, sizeof(buf)) == 6);
		if (i % 3 == 0)
			have(APPEND, i, -1);
		CHECK(read(fd, buf, sizeof(buf)) == (i % 3 == 0 ? 4 : 0));
		CHECK(read(fd, buf, sizeof(buf)) == 0);
		CHECK(lseek(fd, 2, SEEK_SET) == 2 && read(fd, buf, 100) == (i % 3 == 0 ? 8 : 4));
		CHECK(lseek(fd, 1, SEEK_SET) == 1 && read(fd, buf, 2) == 2);
		CHECK_OK(close(fd));
		CHECK_ERR(fstat(fd, &st), EBADF);
		CHECK_ERR(read(fd, buf, 1), EBADF);
		CHECK((other = openat(dir, names[i + 1], O_RDONLY)) == fd);
		have(CHMOD, i + 1, -1);
		CHECK_OK(fstat(fd, &st));
		CHECK((st.st_mode & 07777) == 0751);
		CHECK(st.st_ino != by_name.st_ino && fcntl(fd, F_GETFD) == 0);
		CHECK_OK(close(other));
	}
}

/* A number that was closed, and is then another file's, which may be one of which nothing is told.
 */
static void reused(void)
{
	struct stat st;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = openat(dir, names[i], O_RDONLY | O_CLOEXEC);

		CHECK(fd >= 0);
		CHECK_OK(close(fd));
		CHECK_ERR(fstat(fd, &st), EBADF);
		CHECK_ERR(fcntl(fd, F_GETFL), EBADF);
		CHECK_ERR(close(fd), EBADF);
		CHECK(openat(dir, names[i], O_RDONLY | O_CLOEXEC) == fd);
		CHECK_OK(close(fd));
		CHECK(open("/proc/self/maps", O_RDONLY) == fd);
		CHECK_OK(fstat(fd, &st));
		CHECK(st.st_size == 0);
		CHECK(fcntl(fd, F_GETFD) == 0);
		CHECK_OK(close(fd));
	}
}

static void directories(void)
{
	char buf[32768];
	struct stat st;

	for (int i = 0; i < ROUNDS; i++) {
		int d = openat(AT_FDCWD, "d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), n;

		CHECK_OK(fstat(d, &st));
		CHECK(S_ISDIR(st.st_mode));
		CHECK((fcntl(d, F_GETFL) & O_DIRECTORY) && fcntl(d, F_SETFD, FD_CLOEXEC) == 0);
		CHECK_OK(fstatat(AT_FDCWD, "d", &st, AT_SYMLINK_NOFOLLOW));
		while ((n = (int)syscall(SYS_getdents64, d, buf, sizeof(buf))) > 0)
			;
		CHECK(n == 0 && syscall(SYS_getdents64, d, buf, sizeof(buf)) == 0);
		CHECK(lseek(d, 0, SEEK_SET) == 0);
		CHECK(syscall(SYS_getdents64, d, buf, sizeof(buf)) > 0);
		CHECK_OK(close(d));
	}
}

/* What is foretold goes to where the call says; or it does not go there. */
static void bad_places(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;

	fill();
	list();
	CHECK_OK(mprotect(page + 4096, 4096, PROT_NONE));
	for (int i = 0; i < FILES; i++) {
		struct stat *at = (void *)(i % 4 == 1	? page + 4096
					   : i % 4 == 2 ? page + 4096 - 8
					   : i % 4 == 3 ? NULL
							: page);
		int r = (int)syscall(SYS_newfstatat, dir, names[i], at, AT_SYMLINK_NOFOLLOW);

		CHECK(i % 4 == 0 ? r == 0 : r == -1 && errno == EFAULT);
		if (i % 4 == 0)
			CHECK(((struct stat *)page)->st_size == 6);
	}
	CHECK_ERR(fstatat(dir, page + 4096, &st, 0), EFAULT);
	CHECK_ERR(fstatat(dir, names[1], &st, 0x8000), EINVAL);
	CHECK_ERR(fstatat(12345, names[2], &st, 0), EBADF);
	munmap(page, 8192);
}

static volatile sig_atomic_t ticks;
static void on_alarm(int sig)
{
	struct stat st;

	ticks += sig == SIGALRM;
	if (fstatat(dir, names[3], &st, AT_SYMLINK_NOFOLLOW) || st.st_size != 6)
		ticks = -100000;
}

/* Signals at any moment, handlers that ask, too. */
static void signals(void)
{
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
	long wrong = 0;

	fill();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int round = 0; round < 5000 && (round < 100 || ticks < 50); round++) {
		list();
		for (int i = 0; i < FILES; i++) {
			struct stat st;

			memset(&st, 0xee, sizeof(st));
			wrong += fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW) != 0;
			wrong += st.st_size != 6 || (st.st_mode & 07777) != 0644;
		}
	}
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(wrong == 0);
	CHECK(ticks > 0);
}

static char stack[64 << 10] __attribute__((aligned(16)));

int main(void)
{
	int pid, status;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	umask(0);
	mkdir("d", 0777);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0);
	fill();
	list();
	/* One that shares memory and descriptors. */
	pid = clone(changer, stack + sizeof(stack), CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD,
		    NULL);
	CHECK(pid > 0);
	for (int round = 0; round < 3; round++)
		names_in_a_row(NONE, 0);
	for (enum change what = CHMOD; what <= APPEND; what++)
		for (int distance = 0; distance < 3; distance++)
			names_in_a_row(what, distance);
	open_files();
	directories();
	fill();
	list();
	for (int i = 0; i < ROUNDS; i++) {
		int fd = openat(dir, names[i], O_RDONLY);
		struct stat st;

		have(FLAGS, i, fd);
		CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
		close(fd);
		fd = openat(dir, names[i], O_RDONLY);
		have(CLOSE, i, fd); /* in our table: it is another file now */
		CHECK_OK(fstat(fd, &st));
		CHECK(S_ISDIR(st.st_mode));
		close(fd);
	}
	bad_places();
	have(QUIT, 0, 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	fill();
	list();
	reused();
	signals();
	return check_done();
}
