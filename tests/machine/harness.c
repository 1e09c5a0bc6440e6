/*
 * harness.c - see harness.h.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

const struct machine_ops *machine;
struct machine_info machine_info;
int cpus = 1;

static const char *const event_names[] = {"none", "syscall", "fault",	"stopped",    "dead",
					  "tick", "alarm",   "host fd", "host signal"};

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000UL + (uint64_t)ts.tv_nsec;
}

void boot(void)
{
	struct machine_config config = {.cpus = cpus, .tick_ns = TICK_NS};
	int ret = machine->init(&config, &machine_info);

	if (ret < 0) {
		fprintf(stderr, "init: %s: %s\n", strerror(-ret), machine_init_error());
		_exit(1);
	}
}

const struct vm_op load_ops[3] = {
    {.kind = VM_MAP,
     .addr = CODE,
     .len = PAGE_SIZE,
     .prot = PROT_READ | PROT_WRITE,
     .flags = MAP_PRIVATE,
     .host_fd = -1},
    {.kind = VM_MAP,
     .addr = DATA,
     .len = 4 * PAGE_SIZE,
     .prot = PROT_READ | PROT_WRITE,
     .flags = MAP_PRIVATE,
     .host_fd = -1},
    {.kind = VM_MAP,
     .addr = STACK,
     .len = PAGE_SIZE,
     .prot = PROT_READ | PROT_WRITE,
     .flags = MAP_PRIVATE,
     .host_fd = -1},
};

struct vthread *load_at(const char *code, const char *end)
{
	struct vm_op protect = {
	    .kind = VM_PROTECT, .addr = CODE, .len = PAGE_SIZE, .prot = PROT_READ | PROT_EXEC};
	struct vthread *th;
	struct regs r;
	size_t done;

	CHECK_INT(machine->space_create((void *)0x77, &th), 0);
	CHECK_INT(machine->vm_apply(th, load_ops, 3, &done), 0);
	CHECK_INT(done, 3);
	CHECK_INT(machine->mem_write(th, CODE, code, end - code), end - code);
	CHECK_INT(machine->vm_apply(th, &protect, 1, &done), 0);
	CHECK_INT(machine->regs_get(th, &r), 0);
	CHECK_INT(r.rsp, 0);
	CHECK_INT(r.fs_base, 0);
	r.rip = CODE;
	r.rsp = STACK + PAGE_SIZE - 64;
	r.r15 = DATA;
	CHECK_INT(machine->regs_set(th, &r), 0);
	return th;
}

struct event wait_event(void)
{
	struct event e;

	CHECK_INT(machine->wait(&e, true), 0);
	return e;
}

struct event wait_for(struct vthread *th, enum event_type type)
{
	struct event e = wait_event();

	if (e.type != type)
		fprintf(stderr, "got event %s, expected %s\n", event_names[e.type],
			event_names[type]);
	CHECK_INT(e.type, type);
	CHECK(e.thread == th);
	return e;
}

struct event run(struct vthread *th, enum event_type type)
{
	CHECK_INT(machine->resume(th, 0), 0);
	return wait_for(th, type);
}

struct regs regs_of(struct vthread *th)
{
	struct regs r;

	CHECK_INT(machine->regs_get(th, &r), 0);
	return r;
}

/* The state letter of a host process as /proc shows it; 0: there is none. */
static char host_state(const char *pid)
{
	char path[64], buf[512], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fgets(buf, sizeof(buf), f) != NULL)
		state = *(strrchr(buf, ')') + 2);
	fclose(f);
	return state;
}

/* The latest of our children that is in state R. */
static pid_t running_now(void)
{
	char path[64], line[4096] = "", *p;
	pid_t last = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	CHECK(f != NULL);
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	for (p = strtok(line, " \n"); p != NULL; p = strtok(NULL, " \n")) {
		if (host_state(p) == 'R')
			last = atoi(p);
	}
	return last;
}

pid_t running_guest(void)
{
	pid_t pid;

	while ((pid = running_now()) == 0)
		usleep(1000);
	return pid;
}

void wait_killed(pid_t pid)
{
	char name[16], state;

	snprintf(name, sizeof(name), "%d", pid);
	while ((state = host_state(name)) != 0 && state != 'Z' && state != 'X')
		usleep(1000);
}
