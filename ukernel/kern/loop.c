/*
 * loop.c - the event loop: the only place where the kernel waits for the machine.
 */
#include "kern/host_signal.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "kern/timer.h"
#include "lib/log.h"
#include "machine.h"
#include "sched/sched.h"
#include "trace/explain.h"

#include <errno.h>
#include <signal.h>

/* How long killed guests may take to leave before the machine is switched off under them. */
#define DRAIN_NS 1000000000ULL

bool kernel_halted;
int kernel_exit_status;

static void loop_event(const struct event *ev)
{
	struct task *t;

	if (__builtin_expect(explain_on, 0))
		explain_event(ev);
	switch (ev->type) {
	case EVENT_NONE:
		break;
	case EVENT_SYSCALL:
	case EVENT_FAULT:
	case EVENT_STOPPED:
		t = ev->cookie;
		t->trap = *ev;
		sched_trap(t);
		break;
	case EVENT_DEAD:
		t = ev->cookie;
		if (!sched_in_user(
			t)) { /* it sleeps, or waits for a CPU: the same end, by a signal */
			signal_send_process(t->proc, SIGKILL, NULL);
			break;
		}
		t->trap = *ev;
		sched_trap(t);
		break;
	case EVENT_TICK:
		sched_tick(ev->ticks);
		break;
	case EVENT_ALARM:
		timers_run();
		break;
	case EVENT_HOST_FD: {
		struct host_watch *w = ev->cookie;

		w->ready(w, ev->host_fd.ready);
		break;
	}
	case EVENT_HOST_SIGNAL:
		host_signal_arrived(ev->host_signal.signo);
		break;
	}
}

int kernel_loop(void)
{
	while (!kernel_halted) {
		struct event ev;

		sched_dispatch();
		if (kernel_halted)
			break;
		timers_sync();
		if (__builtin_expect(explain_on, 0) && sched_idle())
			explain_idle();
		int err = machine->wait(&ev, true);
		if (err < 0) {
			log_error(machine, "waiting for events failed: error %d", -err);
			return SIGKILL;
		}
		loop_event(&ev);
	}
	return kernel_exit_status;
}

static bool anybody_left(void)
{
	struct process *p;

	list_for_each (p, &process_list, all)
		if (!p->is_init && p->nr_threads > 0)
			return true;
	return false;
}

void kernel_drain(void)
{
	uint64_t deadline_ns = time_now_ns() + DRAIN_NS;

	while (anybody_left() && time_now_ns() < deadline_ns) {
		struct event ev;

		sched_dispatch();
		if (!anybody_left())
			break;
		machine->alarm_set(deadline_ns);
		if (machine->wait(&ev, true) < 0)
			break;
		if (ev.type != EVENT_ALARM)
			loop_event(&ev);
	}
}
