/*
 * foretell.h - what guests are likely to ask about files next, told before they ask.
 */
#ifndef FS_FORETELL_H
#define FS_FORETELL_H

#include "fs/inode.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task;
struct file;

/* The machine holds answers that a change would make wrong. */
extern bool foretold_live;

/* A task is about to make that call: take back what it may make wrong. */
void foretell_trap(uint64_t nr, const uint64_t *arg);
/* Something has changed outside of a call's beginning. */
void foretell_spoil(void);

/* May t be told something? */
bool foretell_on(struct task *t);

/* t has just opened f as fd, by openat() of name. */
void foretell_opened(struct task *t, int fd, struct file *f, const char *name);
/* fd is another number of f. */
void foretell_duplicated(struct task *t, int fd, struct file *f);
/* t has asked with readlink() what name leads to, which is no link. */
void foretell_no_link(struct task *t, const struct path *p, const char *name);
/* read() or getdents64() of fd is at the end of what there is. */
void foretell_end(struct task *t, struct file *f);
/* t was told the attributes of what name leads to, by newfstatat() or statx(). */
void foretell_stat(struct task *t, const char *name);
/* ... of an open file, by its number. */
void foretell_fstat(struct task *t);
/* getdents64() gave these records of dir, from position start on; more come at end. */
void foretell_listed(struct inode *dir, uint64_t start, const char *records, size_t len);
void foretell_dir_gone(struct inode *dir);

#endif
