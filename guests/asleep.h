/*
 * asleep.h - wait until somebody else is asleep, however long a busy host takes to let it run; a
 * fixed time is too short on one host and wasted on the other.
 */
#ifndef GUESTS_ASLEEP_H
#define GUESTS_ASLEEP_H

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Is the process or thread asleep, or no more? */
static inline int is_asleep(long tid)
{
	char path[40], stat[512] = "", *state;

	snprintf(path, sizeof(path), "/proc/%ld/stat", tid);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 1;
	ssize_t n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	state = n > 0 ? strrchr(stat, ')') : NULL;
	return !state || state[2] == 'S';
}

static inline void wait_asleep(long tid)
{
	do
		usleep(1000);
	while (!is_asleep(tid));
}

/* All the other threads of this process. */
static inline void wait_others_asleep(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (isdigit(e->d_name[0]) && atol(e->d_name) != syscall(SYS_gettid))
			wait_asleep(atol(e->d_name));
	closedir(dir);
}
#endif
