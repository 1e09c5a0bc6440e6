/*
 * dev.h - character devices: what opening a node with a given number means.
 */
#ifndef FS_DEV_H
#define FS_DEV_H

#include "fs/file.h"

/* The open op of a character or block device inode on any file system: chooses by ino->rdev.
 * 0, -ENXIO (no such device, or /dev/tty without a terminal). */
int dev_open(struct inode *ino, struct file *f);
#endif
