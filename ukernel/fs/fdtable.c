/*
 * fdtable.c - descriptor tables: small numbers for open files, shared by CLONE_FILES.
 */
#include "fs/file.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FD_LIMIT      (1u << 20) /* as Linux's fs.nr_open */
#define FD_FIRST_SIZE 64
#define WORD_BITS     64

struct fdtable {
	int refs;
	unsigned size;	    /* slots, a multiple of WORD_BITS */
	unsigned low;	    /* no slot below it is free */
	struct file **file; /* NULL in a used slot: reserved */
	uint64_t *used, *cloexec;
};

static bool bit_get(const uint64_t *map, unsigned i)
{
	return map[i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

static void bit_set(uint64_t *map, unsigned i, bool on)
{
	uint64_t bit = 1ULL << (i % WORD_BITS);

	map[i / WORD_BITS] = on ? map[i / WORD_BITS] | bit : map[i / WORD_BITS] & ~bit;
}

static int table_grow(struct fdtable *ft, unsigned need)
{
	unsigned size = ft->size ? ft->size : FD_FIRST_SIZE;
	unsigned words, old_words = ft->size / WORD_BITS;
	uint64_t *used, *cloexec;
	struct file **file;

	while (size <= need)
		size *= 2;
	words = size / WORD_BITS;
	file = realloc(ft->file, size * sizeof(*file));
	if (!file)
		return -ENOMEM;
	ft->file = file;
	used = realloc(ft->used, words * sizeof(*used));
	if (!used)
		return -ENOMEM;
	ft->used = used;
	cloexec = realloc(ft->cloexec, words * sizeof(*cloexec));
	if (!cloexec)
		return -ENOMEM;
	ft->cloexec = cloexec;
	memset(file + ft->size, 0, (size - ft->size) * sizeof(*file));
	memset(used + old_words, 0, (words - old_words) * sizeof(*used));
	memset(cloexec + old_words, 0, (words - old_words) * sizeof(*cloexec));
	ft->size = size;
	return 0;
}

static void table_free(struct fdtable *ft)
{
	free(ft->file);
	free(ft->used);
	free(ft->cloexec);
	free(ft);
}

struct fdtable *fdtable_create(void)
{
	struct fdtable *ft = calloc(1, sizeof(*ft));

	if (!ft)
		return NULL;
	ft->refs = 1;
	if (table_grow(ft, 0)) {
		table_free(ft);
		return NULL;
	}
	return ft;
}

struct fdtable *fdtable_copy(struct fdtable *from)
{
	struct fdtable *ft = calloc(1, sizeof(*ft));

	if (!ft)
		return NULL;
	ft->refs = 1;
	if (table_grow(ft, from->size - 1)) {
		table_free(ft);
		return NULL;
	}
	ft->low = from->low;
	for (unsigned i = 0; i < from->size; i++) {
		if (!from->file[i]) { /* a reservation is not inherited */
			if (bit_get(from->used, i) && i < ft->low)
				ft->low = i;
			continue;
		}
		ft->file[i] = file_get(from->file[i]);
		bit_set(ft->used, i, true);
		bit_set(ft->cloexec, i, bit_get(from->cloexec, i));
	}
	return ft;
}

struct fdtable *fdtable_get(struct fdtable *ft)
{
	ft->refs++;
	return ft;
}

int fdtable_refs(const struct fdtable *ft)
{
	return ft->refs;
}

/* A descriptor's end, after it has left the table. */
static void close_file(struct file *f, struct task *t)
{
	if (f->inode->locks)
		locks_release_posix(f, t);
	if (f->ops->flush)
		f->ops->flush(f, t);
	file_put(f);
}

static struct file *slot_clear(struct fdtable *ft, unsigned fd)
{
	struct file *f = ft->file[fd];

	ft->file[fd] = NULL;
	bit_set(ft->used, fd, false);
	bit_set(ft->cloexec, fd, false);
	if (fd < ft->low)
		ft->low = fd;
	return f;
}

void fdtable_put(struct fdtable *ft, struct task *t)
{
	if (!ft || --ft->refs > 0)
		return;
	for (unsigned i = 0; i < ft->size; i++)
		if (ft->file[i])
			close_file(slot_clear(ft, i), t);
	table_free(ft);
}

void fdtable_close_on_exec(struct fdtable *ft, struct task *t)
{
	for (unsigned w = 0; w < ft->size / WORD_BITS; w++) {
		uint64_t bits = ft->cloexec[w];

		for (; bits; bits &= bits - 1) {
			unsigned fd = w * WORD_BITS + __builtin_ctzll(bits);

			if (ft->file[fd])
				close_file(slot_clear(ft, fd), t);
		}
	}
}

struct file *fdtable_file(struct fdtable *ft, int fd)
{
	return fd >= 0 && (unsigned)fd < ft->size ? ft->file[fd] : NULL;
}

struct file *fd_get_path(struct task *t, int fd)
{
	struct file *f = fdtable_file(t->files, fd);

	return f ? file_get(f) : NULL;
}

struct file *fd_get(struct task *t, int fd)
{
	struct file *f = fdtable_file(t->files, fd);

	return f && !(f->flags & O_PATH) ? file_get(f) : NULL;
}

static unsigned find_free(const struct fdtable *ft, unsigned from)
{
	unsigned w = from / WORD_BITS;
	uint64_t mask = from < ft->size ? ~0ULL << (from % WORD_BITS) : 0;

	for (; w < ft->size / WORD_BITS; w++, mask = ~0ULL) {
		uint64_t hole = ~ft->used[w] & mask;

		if (hole)
			return w * WORD_BITS + __builtin_ctzll(hole);
	}
	return from > ft->size ? from : ft->size;
}

static uint64_t fd_limit(const struct task *t)
{
	uint64_t limit = task_rlimit(t, RLIMIT_NOFILE);

	return limit < FD_LIMIT ? limit : FD_LIMIT;
}

int fd_reserve(struct task *t, int min, bool cloexec)
{
	struct fdtable *ft = t->files;
	unsigned from = (unsigned)min > ft->low ? (unsigned)min : ft->low;
	unsigned fd = find_free(ft, from);

	if (fd >= fd_limit(t))
		return -EMFILE;
	if (fd >= ft->size && table_grow(ft, fd))
		return -ENOMEM;
	bit_set(ft->used, fd, true);
	bit_set(ft->cloexec, fd, cloexec);
	if (from == ft->low)
		ft->low = fd + 1;
	return fd;
}

void fd_fill(struct task *t, int fd, struct file *f)
{
	t->files->file[fd] = f;
}

void fd_unreserve(struct task *t, int fd)
{
	(void)slot_clear(t->files, fd);
}

int fd_install(struct task *t, struct file *f, int min, bool cloexec)
{
	int fd = fd_reserve(t, min, cloexec);

	if (fd >= 0)
		fd_fill(t, fd, f);
	return fd;
}

int fd_replace(struct task *t, int fd, struct file *f, bool cloexec)
{
	struct fdtable *ft = t->files;
	struct file *old;

	if (fd < 0 || (unsigned)fd >= fd_limit(t))
		return -EBADF;
	if ((unsigned)fd >= ft->size && table_grow(ft, fd))
		return -ENOMEM;
	old = ft->file[fd];
	if (!old && bit_get(ft->used, fd))
		return -EBUSY; /* an open(2) in another thread has reserved it: dup(2) */
	ft->file[fd] = f;
	bit_set(ft->used, fd, true);
	bit_set(ft->cloexec, fd, cloexec);
	if (old)
		close_file(old, t);
	return fd;
}

int fd_close(struct task *t, int fd)
{
	if (!fdtable_file(t->files, fd))
		return -EBADF;
	close_file(slot_clear(t->files, fd), t);
	return 0;
}

bool fd_cloexec(struct task *t, int fd)
{
	return fdtable_file(t->files, fd) && bit_get(t->files->cloexec, fd);
}

int fd_set_cloexec(struct task *t, int fd, bool on)
{
	if (!fdtable_file(t->files, fd))
		return -EBADF;
	bit_set(t->files->cloexec, fd, on);
	return 0;
}

int fd_next(struct fdtable *ft, int fd)
{
	for (unsigned i = fd < 0 ? 0 : fd; i < ft->size; i++)
		if (ft->file[i])
			return i;
	return -1;
}

static int unshare_files(struct task *t)
{
	struct fdtable *copy, *old = t->files;

	if (old->refs == 1)
		return 0;
	copy = fdtable_copy(old);
	if (!copy)
		return -ENOMEM;
	t->files = copy;
	fdtable_put(old, t);
	return 0;
}

long sys_close_range(struct task *t, unsigned first, unsigned last, unsigned long flags)
{
	int err = 0;

	if (flags & ~(unsigned long)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		err = unshare_files(t);
	if (err)
		return err;
	/* Closing may sleep, and others may change the table meanwhile: look up anew each time. */
	for (unsigned fd = first; fd <= last && fd < t->files->size; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			(void)fd_set_cloexec(t, fd, true);
		else
			(void)fd_close(t, fd);
	}
	return 0;
}
