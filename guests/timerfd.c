/*
 * timerfd.c - timerfd_create(2) and its calls: counts, polls, absolute times, each error.
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000L

static uint64_t now_ns(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct itimerspec spec(uint64_t value_ns, uint64_t interval_ns)
{
	return (struct itimerspec){
	    .it_value = {(time_t)(value_ns / 1000000000), (long)(value_ns % 1000000000)},
	    .it_interval = {(time_t)(interval_ns / 1000000000), (long)(interval_ns % 1000000000)}};
}

static void errors(int fd)
{
	struct itimerspec its = spec(MS, 0);
	uint64_t n;

	CHECK_ERR(timerfd_create(99, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 8, &its, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(-1, 0, &its, NULL), EBADF);
	CHECK_ERR(timerfd_settime(0, 0, &its, NULL), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 0, (void *)8, NULL), EFAULT);
	CHECK_ERR(timerfd_settime(fd, 0, &its, (void *)8), EFAULT);
	its.it_value.tv_nsec = 1000000000;
	CHECK_ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL);
	its = spec(MS, 0);
	its.it_interval.tv_sec = -1;
	CHECK_ERR(timerfd_settime(fd, 0, &its, NULL), EINVAL);
	CHECK_ERR(timerfd_gettime(-1, &its), EBADF);
	CHECK_ERR(timerfd_gettime(0, &its), EINVAL);
	CHECK_ERR(timerfd_gettime(fd, (void *)8), EFAULT);
	CHECK_ERR(read(fd, &n, 4), EINVAL);
	CHECK_ERR(write(fd, &n, 8), EINVAL);
	CHECK(lseek(fd, 5, SEEK_SET) == 0); /* does nothing */
}

static void one_shot(int clock)
{
	int fd = timerfd_create(clock, 0);
	struct itimerspec its = spec(20 * MS, 0), old;
	uint64_t n = 0, from = now_ns(CLOCK_MONOTONIC);

	CHECK(fd >= 0);
	CHECK_OK(timerfd_settime(fd, 0, &its, NULL));
	CHECK_OK(timerfd_gettime(fd, &old));
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec > 0 &&
	      old.it_value.tv_nsec <= 20 * MS);
	CHECK(read(fd, &n, 8) == 8 && n == 1);
	CHECK(now_ns(CLOCK_MONOTONIC) - from >= 20 * MS);
	CHECK_OK(timerfd_gettime(fd, &old));
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0);
	/* Absolute; in the past it is due at once. */
	uint64_t at = now_ns(clock) + 20 * MS;
	its = spec(at, 0);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
	CHECK(read(fd, &n, 8) == 8 && n == 1);
	CHECK(now_ns(clock) >= at);
	its = spec(1, 0);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
	CHECK(read(fd, &n, 8) == 8 && n == 1);
	CHECK_OK(close(fd));
}

static void periodic(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), ep = epoll_create1(0);
	struct itimerspec its = spec(5 * MS, 5 * MS), old;
	struct epoll_event ev = {.events = EPOLLIN};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t n, sum = 0;

	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFL) & O_NONBLOCK));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	CHECK_ERR(read(fd, &n, 8), EAGAIN);
	CHECK(poll(&p, 1, 0) == 0);
	CHECK_OK(timerfd_settime(fd, 0, &its, NULL));
	for (int i = 0; i < 5; i++) {
		CHECK(i & 1 ? poll(&p, 1, 5000) == 1 : epoll_wait(ep, &ev, 1, 5000) == 1);
		CHECK(read(fd, &n, 8) == 8 && n >= 1);
		sum += n;
	}
	CHECK(sum >= 5);
	usleep(30000);
	CHECK(read(fd, &n, 8) == 8 && n >= 5);
	CHECK_OK(timerfd_gettime(fd, &old));
	CHECK(old.it_interval.tv_nsec == 5 * MS && old.it_value.tv_nsec <= 5 * MS);
	/* Setting it forgets what was not read. */
	usleep(20000);
	its = spec(0, 0);
	CHECK_OK(timerfd_settime(fd, 0, &its, &old));
	CHECK(old.it_interval.tv_nsec == 5 * MS);
	CHECK_ERR(read(fd, &n, 8), EAGAIN);
	/* A period shorter than anything. */
	its = spec(1, 1);
	CHECK_OK(timerfd_settime(fd, 0, &its, NULL));
	usleep(10000);
	CHECK(read(fd, &n, 8) == 8 && n >= 1000);
	CHECK_OK(close(fd));
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	CHECK_OK(close(ep));
}

int main(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	errors(fd);
	one_shot(CLOCK_MONOTONIC);
	one_shot(CLOCK_REALTIME);
	one_shot(CLOCK_BOOTTIME);
	periodic();
	return check_done();
}
