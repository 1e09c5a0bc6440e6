/*
 * pidfd.h - descriptors that stand for a process: pidfd_open(2).
 */
#ifndef KERN_PIDFD_H
#define KERN_PIDFD_H

struct file;
struct process;
struct task;

/* A new close-on-exec descriptor of t for p; flags may hold O_NONBLOCK.  -EMFILE, -ENOMEM. */
int pidfd_install(struct task *t, struct process *p, int flags);

/* The process behind a pidfd, borrowed from f; NULL: f is another kind of file. */
struct process *pidfd_process(const struct file *f);
#endif
