/*
 * event_test.c - timers, watched descriptors and the supervisor's own signals.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

static void test_fd(void)
{
	int p[2], q[2];
	struct event e;
	char c;

	CHECK_INT(pipe(p), 0);
	CHECK_INT(pipe(q), 0);
	CHECK_INT(machine->fd_watch(p[0], EPOLLIN, (void *)1), 0);
	CHECK_INT(machine->fd_watch(q[0], EPOLLIN, (void *)2), 0);
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
	CHECK_INT(write(p[1], "x", 1), 1);
	e = wait_event();
	CHECK_INT(e.type, EVENT_HOST_FD);
	CHECK(e.cookie == (void *)1);
	CHECK_INT(e.host_fd.fd, p[0]);
	CHECK_INT(e.host_fd.ready, EPOLLIN);
	CHECK_INT(machine->fd_watch(p[0], 0, (void *)1), 0); /* paused */
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
	CHECK_INT(machine->fd_watch(p[0], EPOLLIN, (void *)3), 0);
	e = wait_event();
	CHECK(e.cookie == (void *)3);
	CHECK_INT(read(p[0], &c, 1), 1);
	close(q[1]);
	e = wait_event();
	CHECK(e.cookie == (void *)2);
	CHECK_INT(e.host_fd.ready, EPOLLHUP);
	machine->fd_unwatch(q[0]);
	machine->fd_unwatch(p[0]);
	CHECK_INT(machine->fd_watch(open("/etc/passwd", O_RDONLY), EPOLLIN, NULL), -EPERM);
	CHECK_INT(machine->fd_watch(500, EPOLLIN, NULL), -EBADF);
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
}

/* A busy host makes both late, in either order: only what the clock shows binds them. */
static void test_time(void)
{
	struct vthread *th = load(spin);
	uint64_t t = machine->clock_ns(CLOCK_OF_TICKS), passed;
	bool alarm = false;
	struct event e;
	uint64_t ticks = 0;

	machine->alarm_set(t + 30000000);
	machine->tick_arm(true);
	CHECK_INT(machine->resume(th, 0), 0);
	while (!alarm || ticks < 5) {
		e = wait_event();
		CHECK(e.type == EVENT_ALARM || e.type == EVENT_TICK);
		passed = machine->clock_ns(CLOCK_OF_TICKS) - t;
		if (e.type == EVENT_ALARM) {
			CHECK(!alarm);
			CHECK(passed >= 30000000);
			alarm = true;
		} else {
			CHECK(e.ticks >= 1);
			ticks += e.ticks;
			CHECK(ticks <= passed / TICK_NS);
		}
	}
	machine->tick_arm(false);
	machine->stop(th);
	do {
		e = wait_event();
	} while (e.type == EVENT_TICK);
	CHECK_INT(e.type, EVENT_STOPPED);
	machine->alarm_set(machine->clock_ns(CLOCK_OF_TICKS) + 1000000);
	machine->alarm_set(0);
	usleep(5000);
	CHECK_INT(machine->wait(&e, false), 0);
	CHECK_INT(e.type, EVENT_NONE);
	machine->alarm_set(1); /* long ago */
	e = wait_event();
	CHECK_INT(e.type, EVENT_ALARM);
	machine->thread_destroy(th);
}

/* A guest that traps all the time does not keep timers and descriptors from being seen. */
static void test_fairness(void)
{
	struct vthread *th = load(getppid);
	bool alarm = false, fd = false;
	struct event e;
	int p[2];

	CHECK_INT(pipe(p), 0);
	CHECK_INT(machine->fd_watch(p[0], EPOLLIN, NULL), 0);
	CHECK_INT(write(p[1], "x", 1), 1);
	machine->alarm_set(machine->clock_ns(CLOCK_OF_TICKS) + 2000000);
	CHECK_INT(machine->resume(th, 0), 0);
	for (int i = 0; i < 100000 && !(alarm && fd); i++) {
		e = wait_event();
		if (e.type == EVENT_ALARM)
			alarm = true;
		if (e.type == EVENT_HOST_FD) {
			fd = true;
			machine->fd_unwatch(p[0]);
		}
		if (e.type == EVENT_SYSCALL)
			CHECK_INT(machine->resume(th, 0), 0);
	}
	CHECK(alarm);
	CHECK(fd);
	machine->thread_destroy(th);
}

static void test_host_signal(void)
{
	struct event e;

	kill(getpid(), SIGWINCH);
	e = wait_event();
	CHECK_INT(e.type, EVENT_HOST_SIGNAL);
	CHECK_INT(e.host_signal.signo, SIGWINCH);
}

const struct machine_test event_tests[] = {
    {"fd", test_fd},
    {"time", test_time},
    {"fairness", test_fairness},
    {"host_signal", test_host_signal},
    {NULL, NULL},
};
