/*
 * fifo.c - fifo(7): mkfifo, how opening waits for the other side, end of file, hang-up.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_alarm(int sig)
{
}

static void nonblocking(void)
{
	struct pollfd p;
	char c;
	int r, w;

	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	CHECK(r >= 0);
	p = (struct pollfd){r, POLLIN, 0};
	CHECK(poll(&p, 1, 0) == 0); /* no writer has come yet: no hang-up */
	CHECK(read(r, &c, 1) == 0);
	w = open("fifo", O_WRONLY | O_NONBLOCK);
	CHECK(w >= 0);
	CHECK_ERR(read(r, &c, 1), EAGAIN);
	CHECK(write(w, "x", 1) == 1);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	close(w);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLHUP));
	CHECK(read(r, &c, 1) == 1 && c == 'x');
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLHUP);
	CHECK(read(r, &c, 1) == 0);
	close(r);
}

static void blocking(void)
{
	char buf[32] = "";
	int fd, status;

	if (fork() == 0) {
		fd = open("fifo", O_WRONLY);
		_exit(fd >= 0 && write(fd, "through the fifo", 16) == 16 ? 0 : 1);
	}
	fd = open("fifo", O_RDONLY);
	CHECK(fd >= 0);
	CHECK(read(fd, buf, sizeof(buf)) == 16);
	CHECK(read(fd, buf + 16, 1) == 0);
	wait(&status);
	printf("%s, writer %d\n", buf, WEXITSTATUS(status));
	close(fd);
	fflush(stdout);
	if (fork() == 0) {
		fd = open("fifo", O_RDONLY);
		_exit(fd >= 0 && read(fd, buf, 1) == 1 && buf[0] == 'q' ? 0 : 1);
	}
	fd = open("fifo", O_WRONLY);
	CHECK(write(fd, "q", 1) == 1);
	wait(&status);
	printf("reader %d\n", WEXITSTATUS(status));
	close(fd);
}

static void both_ways(void)
{
	char c = 0;
	int fd = open("fifo", O_RDWR);

	CHECK(fd >= 0);
	CHECK(write(fd, "r", 1) == 1);
	CHECK(read(fd, &c, 1) == 1 && c == 'r');
	close(fd);
}

static void interrupted(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &sa, NULL);
	ualarm(50000, 0);
	CHECK_ERR(open("fifo", O_RDONLY), EINTR);
}

static void names(void)
{
	struct stat st;

	CHECK_OK(stat("fifo", &st));
	CHECK(S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0640);
	CHECK_ERR(mkfifo("fifo", 0600), EEXIST);
	CHECK_ERR(mkfifo("none/fifo", 0600), ENOENT);
	CHECK_OK(unlink("fifo"));
	CHECK_ERR(stat("fifo", &st), ENOENT);
}

int main(void)
{
	umask(022);
	CHECK_OK(mkfifo("fifo", 0640));
	nonblocking();
	blocking();
	both_ways();
	interrupted();
	names();
	return check_done();
}
