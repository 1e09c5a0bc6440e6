/*
 * eventfd.c - eventfd(2): counter, semaphore, blocking, overflow, poll, errors.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t get(int fd)
{
	uint64_t v = 12345;

	return read(fd, &v, 8) == 8 ? v : (uint64_t)-1;
}

static int put(int fd, uint64_t v)
{
	return write(fd, &v, 8) == 8 ? 0 : -1;
}

static short ready(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	return poll(&p, 1, 0) >= 0 ? p.revents : -1;
}

int main(void)
{
	int fd = eventfd(3, EFD_NONBLOCK),
	    sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	char small[4], name[40];
	int status;

	CHECK(fcntl(sem, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFD) == 0);
	CHECK(ready(fd) == (POLLIN | POLLOUT));
	CHECK(get(fd) == 3);
	CHECK(ready(fd) == POLLOUT);
	CHECK_ERR(read(fd, small, 8), EAGAIN);
	CHECK_ERR(read(fd, small, 4), EINVAL);
	CHECK_ERR(write(fd, small, 4), EINVAL);
	CHECK_ERR(write(fd, (void *)8, 8), EFAULT);
	CHECK_OK(put(fd, 5));
	CHECK_OK(put(fd, 6));
	CHECK(get(fd) == 11);
	CHECK_ERR(put(fd, UINT64_MAX), EINVAL);
	CHECK_OK(put(fd, UINT64_MAX - 1));
	CHECK(ready(fd) == POLLIN);
	CHECK_ERR(put(fd, 1), EAGAIN);
	CHECK(get(fd) == UINT64_MAX - 1);
	CHECK(get(sem) == 1);
	CHECK(get(sem) == 1);
	CHECK_ERR(get(sem), EAGAIN);
	CHECK_ERR(eventfd(0, 12345), EINVAL);
	CHECK_ERR(pread(fd, small, 4, 0), ESPIPE);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_ERR(open(name, O_RDONLY), ENXIO);
	CHECK_ERR(truncate(name, 0), EINVAL);
	close(fd);
	fd = syscall(SYS_eventfd, 0);
	CHECK(fd >= 0);
	if (fork() == 0)
		_exit(get(fd) == 42 ? 0 : 1); /* waits */
	usleep(20000);
	CHECK_OK(put(fd, 42));
	wait(&status);
	printf("reader %d\n", WEXITSTATUS(status));
	fflush(stdout);
	CHECK_OK(put(fd, UINT64_MAX - 1));
	if (fork() == 0)
		_exit(put(fd, 9) == 0 ? 0 : 1); /* waits for room */
	usleep(20000);
	CHECK(get(fd) == UINT64_MAX - 1);
	wait(&status);
	CHECK(get(fd) == 9);
	printf("writer %d\n", WEXITSTATUS(status));
	close(fd);
	close(sem);
	return check_done();
}
