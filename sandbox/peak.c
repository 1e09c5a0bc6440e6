/*
 * peak.c - how much memory the dead had resident at most.
 *
 * The host tells it with the death of a process, which comes some time after we have killed it.
 * The same figure out of proc, while it lives, costs 15 us: a tenth of a fork.
 */
#include "peak.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "thread.h"
#include "vthread.h"

struct peak {
	struct peak *next;
	pid_t host_pid; /* 0: the host has reported its death */
	uint64_t ticket, bytes;
};

static struct peak *peaks; /* as many as are dying, which is few */

uint64_t peak_ticket(struct vthread *th)
{
	static uint64_t last;

	th->peak_ticket = ++last;
	return last;
}

void peak_await(struct vthread *th)
{
	struct peak *k;

	if (th->peak_ticket == 0)
		return;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return; /* the kernel does without */
	k->ticket = th->peak_ticket;
	k->host_pid = th->host_pid;
	k->next = peaks;
	peaks = k;
}

void peak_learn(pid_t host_pid, const struct rusage *usage)
{
	for (struct peak *k = peaks; k != NULL; k = k->next) {
		if (k->host_pid == host_pid) {
			k->bytes = (uint64_t)usage->ru_maxrss * 1024;
			k->host_pid = 0;
		}
	}
}

/* Wait for a death that has been ordered. */
static void death_wait(pid_t host_pid)
{
	struct rusage usage = {0};
	int status;
	pid_t pid;

	do {
		pid = wait4(host_pid, &status, __WALL, &usage);
	} while ((pid < 0 && errno == EINTR) || (pid > 0 && WIFSTOPPED(status)));
	if (pid > 0)
		thread_reaped(host_pid, &usage);
	else
		peak_learn(host_pid, &usage);
}

bool peak_take(uint64_t *ticket, uint64_t *bytes, bool all)
{
	for (struct peak **link = &peaks; *link != NULL; link = &(*link)->next) {
		struct peak *k = *link;

		if (all && k->host_pid != 0)
			death_wait(k->host_pid);
		if (k->host_pid != 0)
			continue;
		*ticket = k->ticket;
		*bytes = k->bytes;
		*link = k->next;
		free(k);
		return true;
	}
	return false;
}

void peaks_forget(void)
{
	while (peaks != NULL) {
		struct peak *k = peaks;

		peaks = k->next;
		free(k);
	}
}
