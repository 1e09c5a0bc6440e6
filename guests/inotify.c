/*
 * inotify.c - inotify(7): events of files and directories, watches, errors.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int in;

/* Print what is queued. */
static void show(const char *what)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} bits[] = {
	    {IN_ACCESS, "ACCESS"},
	    {IN_MODIFY, "MODIFY"},
	    {IN_ATTRIB, "ATTRIB"},
	    {IN_CLOSE_WRITE, "CLOSE_WRITE"},
	    {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
	    {IN_OPEN, "OPEN"},
	    {IN_MOVED_FROM, "MOVED_FROM"},
	    {IN_MOVED_TO, "MOVED_TO"},
	    {IN_CREATE, "CREATE"},
	    {IN_DELETE, "DELETE"},
	    {IN_DELETE_SELF, "DELETE_SELF"},
	    {IN_MOVE_SELF, "MOVE_SELF"},
	    {IN_IGNORED, "IGNORED"},
	    {IN_ISDIR, "ISDIR"},
	    {IN_Q_OVERFLOW, "OVERFLOW"},
	};
	char buf[8192] __attribute__((aligned(8)));
	uint32_t cookie = 0;
	ssize_t n, at;

	printf("%s\n", what);
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			struct inotify_event *e = (void *)(buf + at);

			printf("  %d", e->wd);
			for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
				if (e->mask & bits[i].bit)
					printf(" %s", bits[i].name);
			if (e->len)
				printf(" %s", e->name);
			if (e->cookie)
				printf(cookie && cookie == e->cookie ? " same move" : " a move");
			cookie = e->cookie;
			printf("\n");
			at += sizeof(*e) + e->len;
		}
	}
	CHECK(n == -1 && errno == EAGAIN);
}

static void directory(void)
{
	char c;
	int fd, wd = inotify_add_watch(in, "d", IN_ALL_EVENTS);

	CHECK(wd == 1);
	fd = open("d/file", O_CREAT | O_RDWR, 0600);
	CHECK(write(fd, "abc", 3) == 3);
	CHECK(pread(fd, &c, 1, 0) == 1);
	close(fd);
	show("create, write, read");
	CHECK_OK(chmod("d/file", 0640));
	CHECK_OK(truncate("d/file", 1));
	show("chmod, truncate");
	close(open("d/file", O_RDONLY));
	show("open, close");
	CHECK_OK(rename("d/file", "d/other"));
	CHECK_OK(rename("d/other", "out"));
	CHECK_OK(rename("out", "d/back"));
	show("renames");
	CHECK_OK(link("d/back", "d/hard"));
	CHECK_OK(unlink("d/hard"));
	CHECK_OK(symlink("x", "d/soft"));
	CHECK_OK(mkdir("d/sub", 0700));
	CHECK_OK(rmdir("d/sub"));
	CHECK_OK(unlink("d/soft"));
	show("names");
	CHECK_OK(unlink("d/back"));
	show("unlink");
	CHECK_OK(inotify_rm_watch(in, wd));
	show("watch removed");
}

static void file(void)
{
	int fd = open("f", O_CREAT | O_WRONLY, 0600), wd;

	wd = inotify_add_watch(in, "f", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
	CHECK(inotify_add_watch(in, "f", IN_CLOSE | IN_MASK_ADD) == wd);
	CHECK_ERR(inotify_add_watch(in, "f", IN_CLOSE | IN_MASK_CREATE), EEXIST);
	CHECK(write(fd, "x", 1) == 1);
	CHECK(write(fd, "x", 1) == 1); /* told once */
	close(fd);
	show("file");
	CHECK_OK(rename("f", "g"));
	CHECK_OK(unlink("g"));
	show("file gone");
	CHECK_ERR(inotify_rm_watch(in, wd), EINVAL);
}

/* A file without a name lives on while somebody has it open. */
static void unlinked(void)
{
	struct timespec ts[2] = {{1, 0}, {0, UTIME_OMIT}};
	int f = open("u", O_CREAT | O_RDWR, 0600), d, wd[3];
	char c;

	CHECK(write(f, "ab", 2) == 2);
	CHECK_OK(mkdir("e", 0700));
	d = open("e", O_RDONLY);
	wd[0] = inotify_add_watch(in, "u", IN_ALL_EVENTS);
	wd[1] = inotify_add_watch(in, "e", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	wd[2] = inotify_add_watch(in, ".", (IN_ALL_EVENTS & ~IN_ACCESS) | IN_EXCL_UNLINK);
	CHECK_OK(futimens(f, ts));
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = 0;
	CHECK_OK(futimens(f, ts));
	ts[0].tv_nsec = 0;
	CHECK_OK(futimens(f, ts));
	show("times");
	CHECK_OK(unlink("u"));
	CHECK_OK(rmdir("e"));
	show("names gone");
	CHECK(pread(f, &c, 1, 0) == 1);
	CHECK(write(f, "c", 1) == 1);
	CHECK_OK(fchmod(f, 0644));
	CHECK_OK(ftruncate(f, 1));
	show("used on");
	close(d);
	close(f);
	show("let go");
	f = open("v", O_CREAT | O_RDWR, 0600);
	close(open("w", O_CREAT | O_RDWR, 0600));
	wd[0] = inotify_add_watch(in, "v", IN_ALL_EVENTS);
	CHECK_OK(rename("w", "v"));
	show("replaced");
	close(f);
	show("and let go");
	CHECK_OK(inotify_rm_watch(in, wd[2]));
	CHECK_OK(unlink("v"));
	show("end");
}

static void waiting(void)
{
	struct pollfd p = {in, POLLIN, 0};
	char small[4];
	int wd = inotify_add_watch(in, "d", IN_CREATE | IN_ONESHOT), n;

	CHECK(poll(&p, 1, 0) == 0);
	CHECK_ERR(read(in, small, sizeof(small)), EAGAIN);
	close(open("d/a", O_CREAT | O_WRONLY, 0600));
	close(open("d/b", O_CREAT | O_WRONLY, 0600));
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	CHECK_OK(ioctl(in, FIONREAD, &n));
	printf("%d bytes\n", n);
	CHECK_ERR(read(in, small, sizeof(small)), EINVAL);
	show("once");
	CHECK(wd > 0);
}

int main(void)
{
	int p[2];

	umask(022);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(in >= 0 && fcntl(in, F_GETFD) == FD_CLOEXEC);
	CHECK_OK(mkdir("d", 0700));
	directory();
	file();
	unlinked();
	waiting();
	CHECK_ERR(inotify_add_watch(in, "none", IN_ALL_EVENTS), ENOENT);
	CHECK_ERR(inotify_add_watch(in, "d/a", IN_ALL_EVENTS | IN_ONLYDIR), ENOTDIR);
	CHECK_ERR(inotify_add_watch(in, "d", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(999, "d", IN_OPEN), EBADF);
	CHECK_OK(pipe(p));
	CHECK_ERR(inotify_add_watch(p[0], "d", IN_OPEN), EINVAL);
	CHECK_ERR(inotify_init1(1), EINVAL);
	in = inotify_init();
	CHECK(in >= 0 && fcntl(in, F_GETFD) == 0 && !(fcntl(in, F_GETFL) & O_NONBLOCK));
	return check_done();
}
