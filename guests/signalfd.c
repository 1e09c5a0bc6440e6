/*
 * signalfd.c - signalfd(2): signals as data, with poll and epoll, with each kind of sender, and
 * each error.
 */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sigset_t set_of(int a, int b, int c)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, a);
	sigaddset(&s, b);
	sigaddset(&s, c);
	return s;
}

static void errors(void)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR1, SIGUSR1);

	CHECK_ERR(syscall(SYS_signalfd4, -1, &s, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &s, 8, 1), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_signalfd4, 99, &s, 8, 0), EBADF);
	CHECK_ERR(syscall(SYS_signalfd4, 0, &s, 8, 0), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd, -1, &s, 16), EINVAL);
}

static void show(const char *name, const struct signalfd_siginfo *i, pid_t from)
{
	printf("%s: signo %u code %d from %d uid %d value %d status %d overrun %u\n", name,
	       i->ssi_signo, i->ssi_code, i->ssi_pid == (uint32_t)from, i->ssi_uid == getuid(),
	       i->ssi_int, i->ssi_status, i->ssi_overrun);
}

static void *late_sender(void *arg)
{
	usleep(50000);
	kill(getpid(), SIGUSR1);
	return NULL;
}

int main(void)
{
	struct signalfd_siginfo i, many[4];
	sigset_t s = set_of(SIGUSR1, SIGCHLD, 40), none;
	struct epoll_event ev = {.events = EPOLLIN};
	pthread_t t;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	errors();
	sigprocmask(SIG_BLOCK, &s, NULL);
	int fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC), ep = epoll_create1(0);
	CHECK(fd >= 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	CHECK_ERR(read(fd, &i, sizeof(i)), EAGAIN);
	CHECK_ERR(read(fd, &i, sizeof(i) - 1), EINVAL);
	CHECK_ERR(write(fd, &i, sizeof(i)), EINVAL);
	CHECK(lseek(fd, 5, SEEK_SET) == 0); /* does nothing */
	CHECK(poll(&p, 1, 0) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	kill(getpid(), SIGUSR1);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 1);
	CHECK(read(fd, &i, sizeof(i)) == sizeof(i));
	show("kill", &i, getpid());
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	raise(SIGUSR1);
	CHECK(read(fd, &i, sizeof(i)) == sizeof(i));
	show("tgkill", &i, getpid());
	sigqueue(getpid(), 40, (union sigval){.sival_int = 12});
	sigqueue(getpid(), 40, (union sigval){.sival_int = 13});
	raise(SIGUSR1);
	CHECK(read(fd, many, sizeof(many)) == 3 * sizeof(i));
	for (int n = 0; n < 3; n++)
		show("queued", &many[n], getpid());
	pid = fork();
	if (pid == 0)
		_exit(17);
	CHECK(poll(&p, 1, 5000) == 1);
	CHECK(read(fd, &i, sizeof(i)) == sizeof(i));
	show("child", &i, pid);
	waitpid(pid, NULL, 0);
	timer_t timer;
	struct sigevent sev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 40, .sigev_value.sival_int = 21};
	struct itimerspec its = {.it_value = {0, 1000000}};
	CHECK_OK(timer_create(CLOCK_MONOTONIC, &sev, &timer));
	CHECK_OK(timer_settime(timer, 0, &its, NULL));
	CHECK(epoll_wait(ep, &ev, 1, 5000) == 1);
	CHECK(read(fd, &i, sizeof(i)) == sizeof(i));
	CHECK(i.ssi_int == 21 && i.ssi_code == SI_TIMER && i.ssi_pid == 0);
	/* Another mask for the same descriptor. */
	s = set_of(SIGUSR2, SIGUSR2, SIGUSR2);
	CHECK(signalfd(fd, &s, 0) == fd);
	raise(SIGUSR1);
	CHECK_ERR(read(fd, &i, sizeof(i)), EAGAIN);
	s = set_of(SIGUSR1, SIGKILL, SIGSTOP);
	CHECK(signalfd(fd, &s, 0) == fd);
	CHECK(read(fd, &i, sizeof(i)) == sizeof(i));
	/* A blocking one waits; a blocked signal without a reader stays. */
	int fd2 = signalfd(-1, &s, 0);
	CHECK_OK(pthread_create(&t, NULL, late_sender, NULL));
	CHECK(read(fd2, &i, sizeof(i)) == sizeof(i) && i.ssi_signo == SIGUSR1);
	pthread_join(t, NULL);
	raise(SIGUSR1);
	CHECK_ERR(syscall(SYS_read, fd2, 8, sizeof(i)), EFAULT);
	CHECK_OK(close(fd2));
	sigemptyset(&none);
	CHECK(signalfd(fd, &none, 0) == fd);
	CHECK(poll(&p, 1, 0) == 0);
	return check_done();
}
