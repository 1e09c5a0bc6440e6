/*
 * watch.h - --gantt and --sched-stats: the schedule of `ukernel run`, recorded and shown.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include <stdbool.h>

struct boot_config;

/* Before the kernel starts; dies when gantt (NULL: none) cannot be written. */
void watch_start(const char *gantt, bool stats);
/* After it has ended. */
void watch_finish(const struct boot_config *config);
#endif
