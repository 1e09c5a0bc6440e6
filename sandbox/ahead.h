/*
 * ahead.h - answers that a thread's stub gives before the call reaches us; machine.h's foretell().
 */
#ifndef SANDBOX_AHEAD_H
#define SANDBOX_AHEAD_H

#include "machine.h"

bool ahead_give(struct vthread *th, const struct foretold *f);
unsigned ahead_used(struct vthread *th);
void ahead_take_back(enum foretold_kind kind, uint32_t arg0);
bool ahead_made(void **cookie, uint64_t *nr, uint64_t *arg0);
void ahead_forget(struct vthread *th); /* it ends */

#endif
