/*
 * memdata.c - the bytes of a regular file in memory.  See struct mem_data.
 */
#include "fs/memtree.h"

#include "fs/host.h"
#include "fs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Up to here a file's bytes live in ordinary memory. */
#define SMALL_LIMIT (64u << 10)

struct mem_data *mem_data_create(struct mem_super *ms)
{
	struct mem_data *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->refs = 1;
	d->ms = ms;
	d->memfd = -1;
	return d;
}

void mem_data_put(struct mem_data *d)
{
	if (!d || --d->refs > 0)
		return;
	if (d->memfd >= 0)
		host_close(d->memfd);
	mem_uncharge(d->ms, d->charged);
	free(d->buf);
	free(d);
}

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) & PAGE_MASK;
}

/* What the file takes now is so much: correct the account. */
static void set_charge(struct mem_data *d, uint64_t bytes)
{
	if (d->ms && bytes > d->charged)
		mem_charge_force(d->ms, bytes - d->charged);
	else
		mem_uncharge(d->ms, d->charged - bytes);
	d->charged = bytes;
}

uint64_t mem_data_blocks(const struct mem_data *d)
{
	struct stat st;

	if (d->memfd < 0)
		return (d->size + PAGE_SIZE - 1) / PAGE_SIZE * (PAGE_SIZE / 512);
	return host_fstat(d->memfd, &st) ? 0 : st.st_blocks;
}

static void recharge(struct mem_data *d)
{
	uint64_t bytes = d->memfd < 0 ? d->cap : mem_data_blocks(d) * 512;

	if (d->mapped && d->ms && d->ms->strict && bytes < d->size)
		bytes = d->size; /* a guest fills the holes without asking us */
	set_charge(d, bytes);
}

/* Is there room for len bytes more?  Writing over what is there always is. */
static int check_room(struct mem_data *d, uint64_t off, uint64_t len)
{
	int err;

	if (off + len <= d->size)
		return 0;
	len = off >= d->size ? len : off + len - d->size;
	err = mem_charge(d->ms, len);
	if (!err)
		mem_uncharge(d->ms, len);
	return err;
}

int mem_data_to_memfd(struct mem_data *d)
{
	int fd, err = 0;

	if (d->memfd >= 0)
		return 0;
	fd = host_memfd("file", 0);
	if (fd < 0)
		return fd == -EMFILE || fd == -ENFILE ? -ENOSPC : fd;
	if (d->size > 0) {
		ssize_t n = host_pwrite(fd, d->buf, d->size, 0);

		err = n < 0 ? n : (size_t)n < d->size ? -ENOSPC : 0;
	}
	if (err) {
		host_close(fd);
		return err;
	}
	free(d->buf);
	d->buf = NULL;
	d->cap = 0;
	d->memfd = fd;
	recharge(d);
	return 0;
}

int mem_data_map(struct mem_data *d)
{
	int err = mem_data_to_memfd(d);

	if (err || d->mapped)
		return err;
	if (d->ms && d->ms->strict && d->size > d->charged) {
		err = mem_charge(d->ms, d->size - d->charged);
		if (err)
			return err;
		d->charged = d->size;
	}
	d->mapped = true;
	return 0;
}

/* Make place for a size of end, in whichever form; bytes from the old size on are zero. */
int mem_data_reserve(struct mem_data *d, uint64_t end)
{
	size_t cap = d->cap ? d->cap : 256;
	uint8_t *buf;

	if (d->memfd >= 0)
		return 0;
	if (end > SMALL_LIMIT)
		return mem_data_to_memfd(d);
	if (end <= d->cap)
		return 0;
	while (cap < end)
		cap *= 2;
	buf = realloc(d->buf, cap);
	if (!buf)
		return -ENOSPC;
	memset(buf + d->cap, 0, cap - d->cap);
	d->buf = buf;
	d->cap = cap;
	recharge(d);
	return 0;
}

int mem_data_truncate(struct mem_data *d, uint64_t size)
{
	int err = 0;

	if (d->mapped && d->ms && d->ms->strict)
		err = check_room(d, d->size, size > d->size ? size - d->size : 0);
	if (!err)
		err = mem_data_reserve(d, size);
	if (err)
		return err;
	if (d->memfd >= 0) {
		err = host_ftruncate(d->memfd, size);
		if (err)
			return err;
	} else if (size == 0) {
		free(d->buf);
		d->buf = NULL;
		d->cap = 0;
	} else if (size < d->size) {
		memset(d->buf + size, 0, d->size - size);
	}
	d->size = size;
	recharge(d);
	return 0;
}

int mem_data_fill(struct mem_data *d, uint64_t off, const void *buf, size_t len)
{
	int err = check_room(d, off, len);
	ssize_t n;

	if (!err)
		err = mem_data_reserve(d, off + len);
	if (err)
		return err;
	if (d->memfd < 0) {
		memcpy(d->buf + off, buf, len);
	} else {
		n = host_pwrite(d->memfd, buf, len, off);
		if (n < 0 || (size_t)n < len)
			return n < 0 ? n : -ENOSPC;
		recharge(d);
	}
	if (off + len > d->size)
		d->size = off + len;
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

int64_t mem_data_seek(struct mem_data *d, uint64_t off, bool hole)
{
	if (d->memfd >= 0)
		return host_lseek(d->memfd, off, hole ? SEEK_HOLE : SEEK_DATA);
	if (off >= d->size)
		return -ENXIO;
	while (off < d->size) {
		uint64_t next = (off & PAGE_MASK) + PAGE_SIZE,
			 end = next < d->size ? next : d->size;

		if (all_zero(d->buf + (off & PAGE_MASK), end - (off & PAGE_MASK)) == hole)
			return off;
		off = next;
	}
	return hole ? (int64_t)d->size : -ENXIO;
}

ssize_t mem_data_read(struct mem_data *d, struct uio *to, uint64_t pos)
{
	size_t want;
	ssize_t done = 0;

	if (pos >= d->size)
		return 0;
	want = d->size - pos < to->left ? d->size - pos : to->left;
	if (d->memfd < 0)
		return uio_put(to, d->buf + pos, want);
	while (want > 0) {
		size_t chunk = want < IO_BUFFER_SIZE ? want : IO_BUFFER_SIZE;
		ssize_t n = host_pread(d->memfd, io_buffer, chunk, pos + done), moved;

		if (n <= 0)
			return done ? done : n;
		moved = uio_put(to, io_buffer, n);
		if (moved < 0)
			return done ? done : moved;
		done += moved;
		want -= moved;
		if (moved < n)
			break;
	}
	return done;
}

static ssize_t write_memfd(struct mem_data *d, struct uio *from, uint64_t pos, size_t want)
{
	/* All in memory that can be, and it stays so: the account needs no look. */
	bool dense = pos <= d->size && d->charged == page_up(d->size);
	size_t done = 0;
	ssize_t err = 0;

	while (done < want) {
		size_t chunk = want - done < IO_BUFFER_SIZE ? want - done : IO_BUFFER_SIZE;
		ssize_t got = uio_get(from, io_buffer, chunk), n;

		if (got < 0) {
			err = got;
			break;
		}
		n = host_pwrite(d->memfd, io_buffer, got, pos + done);
		if (n < got)
			uio_revert(from, got - (n < 0 ? 0 : n));
		if (n < 0) {
			err = n;
			break;
		}
		done += n;
		if (n < got || (size_t)got < chunk)
			break;
	}
	if (done > 0 && pos + done > d->size)
		d->size = pos + done;
	if (dense)
		set_charge(d, page_up(d->size));
	else
		recharge(d);
	return done ? (ssize_t)done : err;
}

/* Would writing there take no new memory?  Asked only when there is little left. */
static bool is_allocated(const struct mem_data *d, uint64_t pos, size_t len)
{
	int64_t hole;

	if (d->memfd < 0)
		return pos + len <= d->cap;
	hole = host_lseek(d->memfd, pos, SEEK_HOLE);
	return hole >= 0 && (uint64_t)hole >= pos + len;
}

/* How much of len may be written at pos before a limit. */
static size_t room_at(const struct mem_data *d, uint64_t pos, size_t len)
{
	uint64_t room = d->ms ? mem_room(d->ms) : UINT64_MAX, inside;

	if (len <= room || is_allocated(d, pos, len))
		return len;
	inside = pos < d->size ? d->size - pos : 0;
	if (inside > 0 && inside < len && is_allocated(d, pos, inside))
		return inside; /* the rest is for the next call */
	room &= PAGE_MASK;
	return len < room ? len : room;
}

ssize_t mem_data_write(struct mem_data *d, struct uio *from, uint64_t pos)
{
	size_t want = room_at(d, pos, from->left);
	ssize_t n;
	int err;

	if (from->left == 0)
		return 0;
	if (want == 0)
		return -ENOSPC;
	err = mem_data_reserve(d, pos + want);
	if (err)
		return err;
	if (d->memfd >= 0)
		return write_memfd(d, from, pos, want);
	n = uio_get(from, d->buf + pos, want);
	if (n > 0 && pos + n > d->size)
		d->size = pos + n;
	return n;
}

int mem_data_allocate(struct mem_data *d, int mode, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (d->memfd >= 0) {
			err = host_fallocate(d->memfd, mode, off, len);
		} else if (off < d->size) {
			memset(d->buf + off, 0, (end < d->size ? end : d->size) - off);
		}
		recharge(d);
		return err;
	}
	if (!(mode & FALLOC_FL_ZERO_RANGE) || end > d->size) {
		err = mem_charge(d->ms, len); /* at the worst */
		if (err)
			return err;
		mem_uncharge(d->ms, len);
	}
	if (mode & FALLOC_FL_ZERO_RANGE) {
		err = mem_data_allocate(d, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
		if (err)
			return err;
	}
	err = keep && end > SMALL_LIMIT ? mem_data_to_memfd(d)
	      : keep			? 0
					: mem_data_reserve(d, end > d->size ? end : d->size);
	if (!err && d->memfd >= 0)
		err = host_fallocate(d->memfd, keep ? FALLOC_FL_KEEP_SIZE : 0, off, len);
	if (!err && !keep && end > d->size)
		d->size = end;
	recharge(d);
	return err;
}
