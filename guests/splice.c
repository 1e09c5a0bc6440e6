/*
 * splice.c - sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2).
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[200000];

static int file_with(const char *name, const char *text, size_t len)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(write(fd, text, len) == (ssize_t)len);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void sendfiles(void)
{
	int in = file_with("in", "0123456789", 10), out = file_with("out", "", 0), p[2], status;
	off_t off = 4;
	size_t total = 0;
	ssize_t n;

	CHECK(sendfile(out, in, NULL, 3) == 3);
	CHECK(lseek(in, 0, SEEK_CUR) == 3);
	CHECK(sendfile(out, in, &off, 100) == 6);
	CHECK(off == 10 && lseek(in, 0, SEEK_CUR) == 3);
	CHECK(pread(out, buf, 100, 0) == 9 && memcmp(buf, "012456789", 9) == 0);
	CHECK(sendfile(out, in, &off, 100) == 0);
	CHECK_OK(pipe(p));
	CHECK_ERR(sendfile(out, p[0], NULL, 1), EINVAL);
	CHECK_ERR(sendfile(999, in, NULL, 1), EBADF);
	off = -1;
	CHECK_ERR(sendfile(out, in, &off, 1), EINVAL);
	CHECK_ERR(sendfile(out, in, (off_t *)8, 1), EFAULT);
	CHECK_OK(ftruncate(in, sizeof(buf)));
	fflush(stdout);
	if (fork() == 0) { /* more than a pipe holds */
		close(p[0]);
		off = 0;
		for (total = 0; total < sizeof(buf); total += n)
			if ((n = sendfile(p[1], in, &off, sizeof(buf) - total)) <= 0)
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	while ((n = read(p[0], buf, sizeof(buf))) > 0)
		total += n;
	wait(&status);
	printf("sendfile %zu, sender %d\n", total, WEXITSTATUS(status));
	close(p[0]);
	close(in);
	close(out);
}

static void splices(void)
{
	int in = file_with("in", "abcdefghij", 10), out = file_with("out", "", 0), p[2], q[2];
	struct iovec iov[2] = {{"vec", 3}, {"tor", 3}};
	loff_t off = 2;

	CHECK_OK(pipe(p));
	CHECK_OK(pipe2(q, O_NONBLOCK));
	CHECK(splice(in, &off, p[1], NULL, 5, 0) == 5 && off == 7);
	CHECK(tee(p[0], q[1], 3, 0) == 3);
	CHECK(read(q[0], buf, 100) == 3 && memcmp(buf, "cde", 3) == 0);
	CHECK(splice(p[0], NULL, q[1], NULL, 2, 0) == 2);
	CHECK(read(q[0], buf, 100) == 2 && memcmp(buf, "cd", 2) == 0);
	CHECK(splice(p[0], NULL, out, NULL, 100, 0) == 3);
	CHECK(pread(out, buf, 100, 0) == 3 && memcmp(buf, "efg", 3) == 0);
	CHECK(vmsplice(p[1], iov, 2, 0) == 6);
	CHECK(read(p[0], buf, 100) == 6 && memcmp(buf, "vector", 6) == 0);
	CHECK_ERR(splice(p[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERR(splice(in, NULL, out, NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], &off, out, NULL, 1, 0), ESPIPE);
	CHECK_ERR(splice(p[1], NULL, out, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(999, NULL, out, NULL, 1, 0), EBADF);
	CHECK_ERR(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERR(splice(p[0], NULL, out, NULL, 1, 0x100), EINVAL);
	CHECK(splice(p[0], NULL, out, NULL, 0, 0) == 0);
	CHECK_ERR(tee(p[0], out, 1, 0), EINVAL);
	CHECK_ERR(vmsplice(out, iov, 1, 0), EBADF);
	close(p[1]);
	CHECK(splice(p[0], NULL, out, NULL, 1, 0) == 0);
	close(p[0]);
	close(q[0]);
	close(q[1]);
	close(in);
	close(out);
}

static void ranges(void)
{
	int in = file_with("in", "abcdefghij", 10), out = file_with("out", "..........", 10), p[2],
	    ro;
	loff_t a = 2, b = 5;

	CHECK(copy_file_range(in, &a, out, &b, 3, 0) == 3);
	CHECK(a == 5 && b == 8);
	CHECK(pread(out, buf, 100, 0) == 10 && memcmp(buf, ".....cde..", 10) == 0);
	CHECK(copy_file_range(in, NULL, out, NULL, 100, 0) == 10);
	CHECK(lseek(in, 0, SEEK_CUR) == 10 && lseek(out, 0, SEEK_CUR) == 10);
	CHECK(copy_file_range(in, NULL, out, NULL, 100, 0) == 0);
	a = 0;
	b = 2;
	CHECK_ERR(copy_file_range(in, &a, in, &b, 5, 0), EINVAL);
	CHECK(copy_file_range(in, &a, in, &b, 2, 0) == 2);
	CHECK_ERR(copy_file_range(in, NULL, out, NULL, 1, 1), EINVAL);
	CHECK_OK(pipe(p));
	CHECK_ERR(copy_file_range(in, NULL, p[1], NULL, 1, 0), EINVAL);
	ro = open("out", O_RDONLY);
	CHECK_ERR(copy_file_range(in, NULL, ro, NULL, 1, 0), EBADF);
	CHECK_ERR(copy_file_range(999, NULL, out, NULL, 1, 0), EBADF);
	close(ro);
	ro = open(".", O_RDONLY);
	CHECK_ERR(copy_file_range(ro, NULL, out, NULL, 1, 0), EISDIR);
	close(ro);
	close(in);
	close(out);
}

/* A splice fills whole pages of a pipe; a file takes no more than RLIMIT_FSIZE. */
static void limits(void)
{
	int in = file_with("in", buf, 8192), out = file_with("out", "", 0), p[2];
	struct rlimit old, low = {5000, RLIM_INFINITY};

	memset(buf, 'p', 8192);
	CHECK_OK(pipe2(p, O_NONBLOCK));
	CHECK(fcntl(p[1], F_SETPIPE_SZ, 4096) == 4096);
	CHECK(write(p[1], buf, 4000) == 4000);
	CHECK_ERR(splice(in, NULL, p[1], NULL, 50, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK(write(p[1], buf, 90) == 90);
	CHECK(read(p[0], buf, 8192) == 4090);
	CHECK(splice(in, NULL, p[1], NULL, 8192, SPLICE_F_NONBLOCK) == 4096);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_OK(getrlimit(RLIMIT_FSIZE, &old));
	low.rlim_max = old.rlim_max;
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &low));
	CHECK_OK(ftruncate(out, 4900));
	CHECK(lseek(out, 0, SEEK_END) == 4900);
	CHECK(splice(p[0], NULL, out, NULL, 200, 0) == 100);
	CHECK_ERR(splice(p[0], NULL, out, NULL, 200, 0), EFBIG);
	CHECK(read(p[0], buf, 8192) == 3996);
	CHECK(lseek(in, 0, SEEK_SET) == 0);
	CHECK_ERR(sendfile(out, in, NULL, 10), EFBIG);
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &old));
	close(p[0]);
	close(p[1]);
	close(in);
	close(out);
}

int main(void)
{
	sendfiles();
	splices();
	limits();
	ranges();
	return check_done();
}
