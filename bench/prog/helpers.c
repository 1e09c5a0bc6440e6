/*
 * helpers.c - a directory of our own, and a partner to play ping-pong with.
 */
#include "op.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch_dir[64];
static pid_t scratch_owner;
static pid_t partner_pid;
static pthread_t partner_tid;
static bool partner_is_thread;
static struct {
	void (*fn)(void *);
	void *arg;
} partner_work;

/* However the program ends; but not when a child of it does. */
static void scratch_at_exit(void)
{
	if (getpid() == scratch_owner)
		scratch_remove();
}

/* Who starts us may have said which directory it will remove if it has to kill us. */
void scratch_make(void)
{
	const char *given = getenv("UKERNEL_BENCH_SCRATCH");

	scratch_owner = getpid();
	atexit(scratch_at_exit);
	snprintf(scratch_dir, sizeof(scratch_dir), "%s", given ? given : "");
	if (!given || strlen(given) >= sizeof(scratch_dir) || mkdir(scratch_dir, 0700) != 0) {
		snprintf(scratch_dir, sizeof(scratch_dir), "/tmp/ukernel-bench.XXXXXX");
		must(mkdtemp(scratch_dir) != NULL, scratch_dir);
	}
	must(chdir(scratch_dir) == 0, scratch_dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

void scratch_remove(void)
{
	if (*scratch_dir && chdir("/") == 0)
		nftw(scratch_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	*scratch_dir = '\0';
}

void partner_process(void (*fn)(void *), void *arg)
{
	partner_is_thread = false;
	partner_pid = fork();
	must(partner_pid >= 0, "fork");
	if (partner_pid == 0) {
		fn(arg);
		_exit(0);
	}
}

static void *partner_main(void *unused)
{
	(void)unused;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	partner_work.fn(partner_work.arg);
	return NULL;
}

void partner_thread(void (*fn)(void *), void *arg)
{
	partner_is_thread = true;
	partner_work.fn = fn;
	partner_work.arg = arg;
	errno = pthread_create(&partner_tid, NULL, partner_main, NULL);
	must(errno == 0, "pthread_create");
}

/* A thread that sleeps in a call is left alone: the program is about to end. */
void partner_stop(void)
{
	if (partner_is_thread)
		return;
	kill(partner_pid, SIGKILL);
	waitpid(partner_pid, NULL, 0);
}
