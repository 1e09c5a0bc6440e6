/*
 * timerfd.c - timerfd_create(2): timers that are read from a descriptor.
 *
 * As with POSIX timers a periodic one is not started again until somebody reads the count: a
 * period of a nanosecond then costs nothing.
 */
#include "fs/file.h"
#include "kern/clock.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#define CAP_WAKE_ALARM_BIT 35
#ifndef TFD_TIMER_CANCEL_ON_SET
#define TFD_TIMER_CANCEL_ON_SET (1 << 1)
#endif

struct timerfd {
	struct timer timer;
	struct waitq readers;
	int clock, settime_flags;
	uint64_t expires_ns; /* on clock; 0 disarmed */
	uint64_t interval_ns;
	uint64_t ticks; /* expirations not yet read */
	bool expired;	/* the current period is over and counted in ticks */
};

static void timerfd_start(struct timerfd *tf)
{
	timer_arm(&tf->timer, clock_deadline(tf->clock, tf->expires_ns));
}

static void timerfd_fire(struct timer *tm)
{
	struct timerfd *tf = container_of(tm, struct timerfd, timer);

	/* The host's wall clock may have been set back. */
	if (clock_wall_now(tf->clock) < tf->expires_ns) {
		timerfd_start(tf);
		return;
	}
	tf->expired = true;
	tf->ticks++;
	waitq_wake(&tf->readers, EPOLLIN);
}

/* Count the periods that went by since the one that expired, and start the running one. */
static void timerfd_advance(struct timerfd *tf)
{
	uint64_t now = clock_wall_now(tf->clock);

	if (!tf->expired || !tf->interval_ns)
		return;
	tf->expired = false;
	if (now >= tf->expires_ns) {
		uint64_t n = (now - tf->expires_ns) / tf->interval_ns + 1;

		tf->ticks += n - 1;
		tf->expires_ns = time_add_ns(tf->expires_ns, n * tf->interval_ns);
	}
	timerfd_start(tf);
}

static ssize_t timerfd_read(struct file *f, struct uio *to, uint64_t *pos)
{
	struct timerfd *tf = f->priv;

	if (to->left < sizeof(tf->ticks))
		return -EINVAL;
	while (!tf->ticks) {
		if (file_nonblock(f))
			return -EAGAIN;
		int err = wait_on(&tf->readers);
		if (err)
			return err;
	}
	timerfd_advance(tf);
	uint64_t ticks = tf->ticks;
	tf->ticks = 0;
	return uio_put(to, &ticks, sizeof(ticks)) == sizeof(ticks) ? (ssize_t)sizeof(ticks)
								   : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *tf = f->priv;

	poll_wait(pt, f, &tf->readers);
	return tf->ticks ? EPOLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *tf = f->priv;

	timer_cancel(&tf->timer);
	free(tf);
}

static void timerfd_get(struct timerfd *tf, struct abi_itimerspec *out)
{
	uint64_t now, left = 0;

	timerfd_advance(tf);
	if (tf->expires_ns && !tf->expired) {
		now = clock_wall_now(tf->clock);
		left = tf->expires_ns > now ? tf->expires_ns - now : 1;
	}
	out->value = ns_to_timespec(left);
	out->interval = ns_to_timespec(tf->interval_ns);
}

static int timerfd_show(struct file *f, char *buf, size_t size)
{
	struct timerfd *tf = f->priv;
	struct abi_itimerspec it;
	unsigned long long ticks = tf->ticks;

	timerfd_get(tf, &it);
	return snprintf(buf, size,
			"clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%lld, %lld)\n"
			"it_interval: (%lld, %lld)\n",
			tf->clock, ticks, (unsigned)tf->settime_flags, (long long)it.value.sec,
			(long long)it.value.nsec, (long long)it.interval.sec,
			(long long)it.interval.nsec);
}

static const struct file_ops timerfd_ops = {
    .name = "timerfd",
    .read = timerfd_read,
    .llseek = file_llseek_noop,
    .poll = timerfd_poll,
    .release = timerfd_release,
    .show_fdinfo = timerfd_show,
};

static int clock_check(const struct task *t, int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return cred_capable(t->cred, CAP_WAKE_ALARM_BIT) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

long sys_timerfd_create(struct task *t, int clock, unsigned long flags)
{
	if (flags & ~(unsigned long)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	int err = clock_check(t, clock);
	if (err)
		return err;
	struct timerfd *tf = calloc(1, sizeof(*tf));
	if (!tf)
		return -ENOMEM;
	tf->clock = clock;
	timer_init(&tf->timer, timerfd_fire);
	waitq_init(&tf->readers);
	struct file *f = file_anon(&timerfd_ops, "anon_inode:[timerfd]", 0600,
				   O_RDWR | (int)(flags & TFD_NONBLOCK), tf);
	if (!f) {
		free(tf);
		return -ENOMEM;
	}
	f->stream = true;
	int fd = fd_install(t, f, 0, flags & TFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* The file behind fd if it is one of ours; counted. */
static int timerfd_file(struct task *t, int fd, struct file **out)
{
	struct file *f = fd_get(t, fd);

	if (!f)
		return -EBADF;
	if (f->ops != &timerfd_ops) {
		file_put(f);
		return -EINVAL;
	}
	*out = f;
	return 0;
}

static void timerfd_set(struct timerfd *tf, int flags, const struct abi_itimerspec *new)
{
	uint64_t value_ns = timespec_to_ns(&new->value);

	timer_cancel(&tf->timer);
	tf->settime_flags = flags & (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	tf->ticks = 0;
	tf->expired = false;
	tf->interval_ns = timespec_to_ns(&new->interval);
	tf->expires_ns = 0;
	if (!value_ns)
		return;
	tf->expires_ns =
	    flags & TFD_TIMER_ABSTIME ? value_ns : time_add_ns(clock_wall_now(tf->clock), value_ns);
	timerfd_start(tf);
}

long sys_timerfd_settime(struct task *t, int fd, unsigned long flags, uaddr_t value, uaddr_t old)
{
	struct abi_itimerspec new, was;
	struct file *f;

	if (get_user(t, new, value))
		return -EFAULT;
	/* The box's wall clock is never set: CANCEL_ON_SET has nothing to cancel. */
	if ((flags & ~(unsigned long)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_valid(&new.value) || !timespec_valid(&new.interval))
		return -EINVAL;
	int err = timerfd_file(t, fd, &f);
	if (err)
		return err;
	timerfd_get(f->priv, &was);
	timerfd_set(f->priv, (int)flags, &new);
	file_put(f);
	return old && put_user(t, was, old) ? -EFAULT : 0;
}

long sys_timerfd_gettime(struct task *t, int fd, uaddr_t value)
{
	struct abi_itimerspec now;
	struct file *f;
	int err = timerfd_file(t, fd, &f);

	if (err)
		return err;
	timerfd_get(f->priv, &now);
	file_put(f);
	return put_user(t, now, value);
}
