/*
 * pagemap.c - /proc/PID/pagemap: eight bytes for each page, without frame numbers, as Linux shows
 * it to those without CAP_SYS_ADMIN.
 */
#include "fs/proc/proc.h"
#include "machine.h"
#include "mm/mm.h"

#include <errno.h>
#include <unistd.h>

#define ENTRY_SIZE sizeof(uint64_t)

static ssize_t pagemap_read(struct file *f, struct uio *to, uint64_t *pos)
{
	const struct proc_node *n = f->inode->priv;
	uint64_t entries[256], end = machine_info.user_hi / PAGE_SIZE * ENTRY_SIZE;
	struct task *t = proc_task(n);
	ssize_t done = 0;
	int err = proc_access(n);

	if (err)
		return err;
	if (*pos % ENTRY_SIZE || to->left % ENTRY_SIZE)
		return -EINVAL;
	if (!t || !t->mm || !t->thread || proc_memory_gone(f) || !machine->mem_pages)
		return 0;
	while (to->left && *pos < end) {
		uint64_t want = to->left < sizeof(entries) ? to->left : sizeof(entries);
		ssize_t got;

		if (want > end - *pos)
			want = end - *pos;
		got = machine->mem_pages(t->thread, *pos / ENTRY_SIZE * PAGE_SIZE,
					 want / ENTRY_SIZE, entries);
		if (got > 0)
			got = uio_put(to, entries, got * ENTRY_SIZE);
		if (got <= 0)
			return done ? done : got;
		done += got;
		*pos += got;
	}
	return done;
}

static int64_t pagemap_llseek(struct file *f, int64_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	f->pos = whence == SEEK_SET ? (uint64_t)off : f->pos + off;
	return f->pos;
}

const struct file_ops proc_pagemap_fops = {
    .name = "pagemap",
    .read = pagemap_read,
    .llseek = pagemap_llseek,
};
