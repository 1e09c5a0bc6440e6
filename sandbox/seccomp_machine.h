/*
 * seccomp_machine.h - what the probe wants to know of the quick machine.
 */
#ifndef SANDBOX_SECCOMP_MACHINE_H
#define SANDBOX_SECCOMP_MACHINE_H

#include <stdbool.h>

extern bool seccomp_sync_wake_up;

#endif
