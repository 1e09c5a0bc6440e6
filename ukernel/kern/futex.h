/*
 * futex.h - what the end of a thread needs of futexes.
 */
#ifndef KERN_FUTEX_H
#define KERN_FUTEX_H

#include "machine.h"

struct task;

/* t dies: each lock with waiters that it holds goes to the first of them, which learns of the death
 * by FUTEX_OWNER_DIED in the word. */
void futex_pi_exit(struct task *t);
/* Wake n waiters at addr as FUTEX_WAKE of a private or shared futex would; the number woken. */
int futex_wake_address(struct task *t, uaddr_t addr, int n);

/* The locks on t's robust list that t still holds are marked: owner died. (get_robust_list(2)) */
void futex_robust_exit(struct task *t);
#endif
