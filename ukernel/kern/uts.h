/*
 * uts.h - the system's names, as uname(2) and /proc/sys/kernel show them.
 */
#ifndef KERN_UTS_H
#define KERN_UTS_H

#include "abi.h"

#include <stdbool.h>

/* Filled at the first use: release and machine are the host's, so that programs that look at them
 * find what their libraries were built for; the rest is ours. */
const struct abi_utsname *uts_names(void);
/* The node name, or the domain; what is too long is cut. */
void uts_set_name(bool domain, const char *name);
#endif
