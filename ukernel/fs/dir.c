/*
 * dir.c - reading directories: getdents(2), getdents64(2).
 */
#include "fs/foretell.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Entries are collected here and copied out in one go; readdir ops do not sleep. */
static char collected[32 << 10] __attribute__((aligned(8)));

struct dirent_head64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

/* The old layout: the type is the record's last byte. */
struct dirent_head {
	uint64_t ino, off;
	uint16_t reclen;
	char name[];
} __attribute__((packed));

struct collector {
	struct dir_sink sink;
	size_t used, size;
	bool full;
};

static bool emit64(struct dir_sink *s, const char *name, size_t len, uint64_t ino, unsigned type,
		   uint64_t next_pos)
{
	struct collector *c = container_of(s, struct collector, sink);
	size_t reclen = (sizeof(struct dirent_head64) + len + 1 + 7) & ~7UL;
	struct dirent_head64 *e = (void *)(collected + c->used);

	if (reclen > c->size - c->used) {
		c->full = true;
		return false;
	}
	memset(collected + c->used + reclen - 8, 0, 8);
	e->ino = ino;
	e->off = next_pos;
	e->reclen = reclen;
	e->type = type;
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	c->used += reclen;
	return true;
}

static bool emit_old(struct dir_sink *s, const char *name, size_t len, uint64_t ino, unsigned type,
		     uint64_t next_pos)
{
	struct collector *c = container_of(s, struct collector, sink);
	size_t reclen = (sizeof(struct dirent_head) + len + 2 + 7) & ~7UL;
	struct dirent_head *e = (void *)(collected + c->used);

	if (reclen > c->size - c->used) {
		c->full = true;
		return false;
	}
	memset(collected + c->used + reclen - 8, 0, 8);
	e->ino = ino;
	e->off = next_pos;
	e->reclen = reclen;
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	collected[c->used + reclen - 1] = type;
	c->used += reclen;
	return true;
}

static bool refuse(struct dir_sink *s, const char *name, size_t len, uint64_t ino, unsigned type,
		   uint64_t next_pos)
{
	container_of(s, struct collector, sink)->full = true;
	return false;
}

/* Some entries have gone out: names that are likely to be asked for, and maybe the last ones. */
static void given(struct task *t, struct file *f, uint64_t start, size_t len, bool full)
{
	struct collector c = {.sink.emit = refuse, .full = full};

	if (!foretell_on(t))
		return;
	foretell_listed(f->inode, start, collected, len);
	if (!full && f->ops->readdir(f, &c.sink) == 0 && !c.full)
		foretell_end(t, f);
}

/* Those of the first used bytes that fit before memory which is not the guest's: whole entries.
 * *next gets the position behind the last of them. */
static size_t copy_entries(struct task *t, uaddr_t buf, size_t used, uint64_t *next)
{
	size_t done = 0;

	while (done < used) {
		/* Both layouts begin alike. */
		const struct dirent_head *e = (void *)(collected + done);

		if (copy_to_user(t, buf + done, e, e->reclen))
			break;
		*next = e->off;
		done += e->reclen;
	}
	return done;
}

static long do_getdents(struct task *t, int fd, uaddr_t buf, unsigned count,
			bool (*emit)(struct dir_sink *, const char *, size_t, uint64_t, unsigned,
				     uint64_t))
{
	struct collector c = {.sink.emit = emit, .size = sizeof(collected)};
	struct file *f = fd_get(t, fd);
	uint64_t start, next;
	long r;

	if (!f)
		return -EBADF;
	start = next = f->pos;
	if (count < c.size)
		c.size = count;
	else if (count > INT32_MAX)
		c.size = 0;
	vfs_tick++;
	if (!S_ISDIR(f->inode->mode) || !f->ops->readdir)
		r = -ENOTDIR;
	else if (f->path.dentry->unlinked)
		r = -ENOENT;
	else
		r = f->ops->readdir(f, &c.sink);
	if (c.used > 0)
		r = c.used; /* an error will come again */
	else if (r == 0 && c.full)
		r = -EINVAL;
	if (r > 0 && copy_to_user(t, buf, collected, r)) {
		r = copy_entries(t, buf, r, &next);
		f->pos = next;
		c.full = true;
		if (!r)
			r = -EFAULT;
	}
	if (r > 0 && emit == emit64)
		given(t, f, start, r, c.full);
	file_put(f);
	return r;
}

long sys_getdents64(struct task *t, int fd, uaddr_t buf, unsigned count)
{
	return do_getdents(t, fd, buf, count, emit64);
}

long sys_getdents(struct task *t, int fd, uaddr_t buf, unsigned count)
{
	return do_getdents(t, fd, buf, count, emit_old);
}
