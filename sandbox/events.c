/*
 * events.c - the machine's one place to wait: an epoll that holds the seccomp listener, a signalfd
 * (children and the supervisor's own signals), the tick, the alarm and what the kernel watches.
 *
 * One event is taken at a time.  The host rotates its list of ready descriptors, so none starves,
 * and nothing stale can be left in our hands when the kernel closes a descriptor.
 */
#include "events.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "host_cpu.h"
#include "listen.h"
#include "thread.h"
#include "trap.h"
#include "vthread.h"

#define NS_PER_S 1000000000UL

enum source { SOURCE_SIGNAL = 1, SOURCE_TICK, SOURCE_ALARM, SOURCE_LISTENER, SOURCE_WATCH };

struct watch {
	void *cookie;
	uint32_t events; /* what epoll knows; 0: not in epoll */
};

struct machine_sleep *events_sleep;
static int epoll_fd = -1, signal_fd = -1, tick_fd = -1, alarm_fd = -1;
static uint64_t tick_period_ns, alarm_deadline_ns;
static bool tick_on, stale_signal;
static int kept_signal; /* read while looking for a SIGCHLD, not yet told; or 0 */
static sigset_t mask_before;
static struct watch *watches;
static int watches_len, watches_on;
static struct vthread *queue_first, **queue_last = &queue_first;
static int (*listener_ready)(struct event *out);

static const int host_signals[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,  SIGWINCH,
				   SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2, SIGALRM};

static int epoll_change(int op, int fd, enum source source, uint32_t events)
{
	struct epoll_event ev = {
	    .events = events,
	    .data.u64 = (uint64_t)source << 32 | (uint32_t)fd,
	};

	return host_result(epoll_ctl(epoll_fd, op, fd, &ev));
}

/* ---- queue of events that were found while looking for another ---- */

void events_queue(struct vthread *th, const struct event *event)
{
	th->event = *event;
	th->queued = true;
	th->queue_next = NULL;
	*queue_last = th;
	queue_last = &th->queue_next;
}

void events_forget(struct vthread *th)
{
	struct vthread **link = &queue_first;

	if (!th->queued)
		return;
	while (*link != th)
		link = &(*link)->queue_next;
	*link = th->queue_next;
	if (queue_last == &th->queue_next)
		queue_last = link;
	th->queued = false;
}

bool events_dequeue(struct event *out)
{
	struct vthread *th = queue_first;

	if (th == NULL)
		return false;
	*out = th->event;
	events_forget(th);
	return true;
}

/* ---- start and end ---- */

static int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(host_signals) / sizeof(host_signals[0]); i++)
		sigaddset(&set, host_signals[i]);
	sigprocmask(SIG_BLOCK, &set, &mask_before);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return -errno;
	listen_init(&set);
	return epoll_change(EPOLL_CTL_ADD, signal_fd, SOURCE_SIGNAL, EPOLLIN);
}

static int timer_open(int *fd, enum source source)
{
	*fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (*fd < 0)
		return -errno;
	return epoll_change(EPOLL_CTL_ADD, *fd, source, EPOLLIN);
}

int events_init(const struct machine_config *config)
{
	int ret;

	tick_period_ns = config->tick_ns;
	events_sleep = config->sleep;
	sigprocmask(SIG_SETMASK, NULL, &mask_before);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ret = epoll_fd < 0 ? -errno : 0;
	if (ret == 0)
		ret = signals_open();
	if (ret == 0)
		ret = timer_open(&tick_fd, SOURCE_TICK);
	if (ret == 0)
		ret = timer_open(&alarm_fd, SOURCE_ALARM);
	if (ret < 0) {
		machine_fail("cannot make the descriptors for events: %s", strerror(-ret));
		events_fini();
	}
	return ret;
}

static void fd_drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void events_fini(void)
{
	struct signalfd_siginfo si;

	if (epoll_fd < 0)
		return;
	while (signal_fd >= 0 && read(signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		;
	fd_drop(&signal_fd);
	fd_drop(&tick_fd);
	fd_drop(&alarm_fd);
	fd_drop(&epoll_fd);
	free(watches);
	watches = NULL;
	watches_len = watches_on = 0;
	queue_first = NULL;
	queue_last = &queue_first;
	tick_on = false;
	kept_signal = 0;
	alarm_deadline_ns = 0;
	listener_ready = NULL;
	listen_sleeps(false);
	listen_fini();
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

int events_listen(int host_fd, int (*ready)(struct event *out))
{
	listener_ready = ready;
	return epoll_change(EPOLL_CTL_ADD, host_fd, SOURCE_LISTENER, EPOLLIN);
}

/* ---- one round ---- */

/* The number of the next of the host's signals to us, 0 when there is none. */
static int signal_read(void)
{
	struct signalfd_siginfo si;

	if (read(signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return 0;
	return (int)si.ssi_signo;
}

void events_stale_signal(void)
{
	stale_signal = true;
}

/* While no thread runs and none is dying, nobody else can have sent it. */
void events_drop_signal(void)
{
	int signo;

	stale_signal = true;
	if (threads_running > 0 || thread_unreaped() > 0 || kept_signal != 0)
		return;
	signo = signal_read();
	stale_signal = signo != SIGCHLD;
	kept_signal = signo != SIGCHLD ? signo : 0;
}

static int host_signal(struct event *out, int signo)
{
	out->type = EVENT_HOST_SIGNAL;
	out->host_signal.signo = signo;
	return 1;
}

static int signal_take(struct event *out, int signo)
{
	if (signo == 0)
		return 0;
	if (signo != SIGCHLD)
		return host_signal(out, signo);
	trap_sweep(false);
	return events_dequeue(out);
}

static int signal_ready(struct event *out)
{
	stale_signal = false;
	return signal_take(out, signal_read());
}

/* Can only a notification or a signal be next? */
static bool listener_alone(void)
{
	return listener_ready != NULL && threads_running > 0 && !tick_on &&
	       alarm_deadline_ns == 0 && watches_on == 0 && host_cpu_timeout_us() < 0;
}

static int listener_sleep(struct event *out)
{
	uint64_t began = sleep_begin();
	int ret = listener_ready(out);

	sleep_end(began);
	host_cpu_awake();
	return ret;
}

static int timer_ready(int fd, enum event_type type, struct event *out)
{
	uint64_t times;

	if (read(fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return 0;
	if (type == EVENT_ALARM)
		alarm_deadline_ns = 0;
	out->type = type;
	out->ticks = times;
	return 1;
}

static int watch_ready(int fd, uint32_t ready, struct event *out)
{
	if (fd >= watches_len || watches[fd].events == 0)
		return 0;
	out->type = EVENT_HOST_FD;
	out->cookie = watches[fd].cookie;
	out->host_fd.fd = fd;
	out->host_fd.ready = ready;
	return 1;
}

/* us below 0: until something happens. */
static int events_sleep_for(struct epoll_event *ev, long us)
{
	static bool coarse; /* the host knows no timeouts below a millisecond (before Linux 5.11) */
	struct timespec ts = {.tv_nsec = us * 1000};
	int n;

	if (us <= 0 || us >= 1000 || coarse)
		return epoll_wait(epoll_fd, ev, 1, us < 0 ? -1 : (int)((us + 999) / 1000));
	n = epoll_pwait2(epoll_fd, ev, 1, &ts, NULL);
	if (n >= 0 || errno != ENOSYS)
		return n;
	coarse = true;
	return epoll_wait(epoll_fd, ev, 1, 1);
}

int events_poll(struct event *out, bool block)
{
	struct epoll_event ev;
	int fd, n;

	if (kept_signal != 0) {
		host_signal(out, kept_signal);
		kept_signal = 0;
		return 1;
	}
	if (block && trap_interrupted(out))
		return 1;
	if (stale_signal && block && signal_ready(out) == 1)
		return 1;
	if (block && threads_running == 0 && thread_unreaped() > 0) {
		trap_sweep(true);
		if (events_dequeue(out))
			return 1;
	}
	if (block)
		host_cpu_review();
	if (block && listen_sleeps(listener_alone()))
		return listener_sleep(out);
	fd = listen_next_signal();
	if (fd != 0)
		return signal_take(out, fd);
	uint64_t began = sleep_begin();
	n = events_sleep_for(&ev, block ? host_cpu_timeout_us() : 0);
	sleep_end(began);
	if (block)
		host_cpu_awake();
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0) {
		if (block)
			host_cpu_spread();
		return 0;
	}
	fd = (int)(uint32_t)ev.data.u64;
	switch ((enum source)(ev.data.u64 >> 32)) {
	case SOURCE_LISTENER:
		return listener_ready(out);
	case SOURCE_SIGNAL:
		return signal_ready(out);
	case SOURCE_TICK:
		return timer_ready(tick_fd, EVENT_TICK, out);
	case SOURCE_ALARM:
		return timer_ready(alarm_fd, EVENT_ALARM, out);
	case SOURCE_WATCH:
		return watch_ready(fd, ev.events, out);
	}
	return 0;
}

/* ---- time ---- */

uint64_t clock_ns(enum machine_clock clock)
{
	static const clockid_t ids[] = {
	    [CLOCK_OF_TICKS] = CLOCK_MONOTONIC,
	    [CLOCK_OF_WALL] = CLOCK_REALTIME,
	    [CLOCK_OF_BOOT] = CLOCK_BOOTTIME,
	    [CLOCK_OF_TICKS_COARSE] = CLOCK_MONOTONIC_COARSE,
	    [CLOCK_OF_WALL_COARSE] = CLOCK_REALTIME_COARSE,
	    [CLOCK_OF_TICKS_RAW] = CLOCK_MONOTONIC_RAW,
	};
	struct timespec ts;

	clock_gettime(ids[clock], &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = ns % NS_PER_S};
}

void tick_arm(bool on)
{
	struct itimerspec its = {0};

	if (on == tick_on)
		return;
	tick_on = on;
	if (on)
		its.it_value = its.it_interval = timespec_of(tick_period_ns);
	timerfd_settime(tick_fd, 0, &its, NULL);
}

void alarm_set(uint64_t deadline_ns)
{
	struct itimerspec its = {.it_value = timespec_of(deadline_ns)};

	if (deadline_ns == alarm_deadline_ns)
		return;
	alarm_deadline_ns = deadline_ns;
	timerfd_settime(alarm_fd, TFD_TIMER_ABSTIME, &its, NULL);
}

/* ---- watched descriptors ---- */

static int watches_grow(int fd)
{
	int len = watches_len > 0 ? watches_len : 64;
	struct watch *grown;

	while (len <= fd)
		len *= 2;
	grown = realloc(watches, (size_t)len * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	memset(grown + watches_len, 0, (size_t)(len - watches_len) * sizeof(*grown));
	watches = grown;
	watches_len = len;
	return 0;
}

int fd_watch(int host_fd, uint32_t events, void *cookie)
{
	struct watch *w;
	int ret;

	if (host_fd < 0)
		return -EBADF;
	if (host_fd >= watches_len && (ret = watches_grow(host_fd)) < 0)
		return ret;
	w = &watches[host_fd];
	w->cookie = cookie;
	if (events == w->events)
		return 0;
	/* Paused means out of epoll: it would report errors and hang-ups even with no events. */
	if (events == 0)
		ret = epoll_change(EPOLL_CTL_DEL, host_fd, SOURCE_WATCH, 0);
	else
		ret = epoll_change(EPOLL_CTL_MOD, host_fd, SOURCE_WATCH, events);
	if (ret == -ENOENT) /* new, or closed and opened again behind our back */
		ret = events == 0 ? 0 : epoll_change(EPOLL_CTL_ADD, host_fd, SOURCE_WATCH, events);
	if (ret == 0) {
		watches_on += (events != 0) - (w->events != 0);
		w->events = events;
	}
	return ret;
}

void fd_unwatch(int host_fd)
{
	if (host_fd < 0 || host_fd >= watches_len || watches[host_fd].events == 0)
		return;
	epoll_change(EPOLL_CTL_DEL, host_fd, SOURCE_WATCH, 0);
	watches_on--;
	watches[host_fd] = (struct watch){0};
}
