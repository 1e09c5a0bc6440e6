/*
 * map.c - mmap, munmap and mprotect.
 *
 * Each call is checked in full, then ordered from the machine in one batch, then recorded.  What
 * the host refuses is not recorded.
 */
#include "fs/file.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>

#define PROT_ALL      (PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_SEM_BIT  0x8 /* accepted and ignored, as Linux does on x86 */
#define MAP_DROPPABLE 0x08

/* A mapping to be made, gathered before anything is changed. */
struct map_request {
	uaddr_t addr;
	uint64_t len;
	int prot, flags;
	uint8_t may;
	uint32_t region_flags;
	struct file *file; /* borrowed */
	uint64_t off;
	int host_fd;
	uint64_t host_off;
};

static int file_check(struct map_request *q)
{
	int acc = q->file->flags & O_ACCMODE;
	bool shared = q->region_flags & REGION_SHARED;
	int err;

	if (shared && acc != O_RDWR) {
		if (q->prot & PROT_WRITE)
			return -EACCES;
		q->may &= ~PROT_WRITE;
	}
	if (acc == O_WRONLY)
		return -EACCES;
	if (!q->file->ops->mmap)
		return -ENODEV;
	if (q->flags & MAP_GROWSDOWN)
		return -EINVAL;
	q->host_off = q->off;
	err = q->file->ops->mmap(q->file, q->prot, shared, &q->host_fd, &q->host_off);
	return err;
}

/* The flags that MAP_SHARED_VALIDATE knows (those without an effect here included). */
#define MAP_KNOWN                                                                                  \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_GROWSDOWN |   \
	 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |      \
	 MAP_32BIT | MAP_FIXED_NOREPLACE | MAP_HUGE_2MB | MAP_HUGE_1GB)

static int type_check(struct map_request *q)
{
	int type = q->flags & MAP_TYPE;

	q->may = PROT_ALL;
	q->host_fd = -1;
	if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)
		q->region_flags |= REGION_SHARED;
	else if (type != MAP_PRIVATE)
		return -EINVAL;
	if (!q->file) {
		if (type == MAP_SHARED_VALIDATE)
			return -EINVAL;
		if ((q->region_flags & REGION_SHARED) && (q->flags & MAP_GROWSDOWN))
			return -EINVAL;
		q->off = 0;
	} else {
		if (type == MAP_SHARED_VALIDATE && (q->flags & ~MAP_KNOWN))
			return -EOPNOTSUPP;
		return file_check(q);
	}
	return 0;
}

static int64_t addr_check(struct task *t, struct mm *mm, struct map_request *q)
{
	if (!(q->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return place_choose(t, mm, q->addr, q->len, q->flags, !q->file);
	if (q->len > machine_info.user_hi || q->addr > machine_info.user_hi - q->len)
		return -ENOMEM;
	if (q->addr & ~PAGE_MASK)
		return -EINVAL;
	if (q->addr < machine_info.user_lo)
		return -EPERM;
	if ((q->flags & MAP_FIXED_NOREPLACE) && region_overlap(mm, q->addr, q->addr + q->len))
		return -EEXIST;
	if (range_hidden(q->addr, q->addr + q->len))
		return -ENOMEM;
	return q->addr;
}

static int lock_check(struct task *t, struct mm *mm, struct map_request *q)
{
	uint64_t limit = rlimit_now(t, RLIMIT_MEMLOCK);

	if (q->flags & MAP_LOCKED)
		q->region_flags |= REGION_LOCKED;
	q->region_flags |= mm->lock_future;
	if (!(q->region_flags & REGION_LOCKED) || mm_may_lock_all(t))
		return 0;
	if ((q->flags & MAP_LOCKED) && !limit)
		return -EPERM;
	return mm->locked + q->len > limit ? -EAGAIN : 0;
}

/* Bytes of [start, end) that are mapped already, and of those that count as data. */
static uint64_t range_bytes(struct mm *mm, uaddr_t start, uaddr_t end, uint64_t *data)
{
	struct region *r = region_overlap(mm, start, end);
	uint64_t sum = 0;

	*data = 0;
	for (; r && r->start < end; r = r->next) {
		uaddr_t lo = r->start > start ? r->start : start;
		uaddr_t hi = r->end < end ? r->end : end;

		if (r->flags & (REGION_SPECIAL | REGION_HIDDEN))
			continue;
		sum += hi - lo;
		if (region_is_data(r->prot, r->flags))
			*data += hi - lo;
	}
	return sum;
}

/* Limits; what is replaced does not count twice. */
static int room_check(struct task *t, struct mm *mm, const struct map_request *q)
{
	uint64_t data, old = range_bytes(mm, q->addr, q->addr + q->len, &data);

	if (mm->count + 2 > REGION_COUNT_MAX)
		return -ENOMEM;
	if (mm->total - old + q->len > rlimit_now(t, RLIMIT_AS))
		return -ENOMEM;
	if (region_is_data(q->prot, q->region_flags) &&
	    mm->data - data + q->len > rlimit_now(t, RLIMIT_DATA))
		return -ENOMEM;
	return 0;
}

static int order_map(struct task *t, const struct map_request *q)
{
	struct vm_op op = {
	    .kind = VM_MAP,
	    .addr = q->addr,
	    .len = q->len,
	    .prot = q->prot,
	    .flags = (q->region_flags & REGION_SHARED ? MAP_SHARED : MAP_PRIVATE) |
		     (q->flags & (MAP_NORESERVE | MAP_POPULATE)),
	    .host_fd = q->host_fd,
	    .off = q->host_off,
	};
	size_t done;

	if ((q->region_flags & (REGION_LOCKED | REGION_LOCKONFAULT)) == REGION_LOCKED)
		op.flags |= MAP_POPULATE;
	return machine->vm_apply(t->thread, &op, 1, &done);
}

/* Everything has been decided but whether there is memory: do it. */
static int map_commit(struct task *t, struct mm *mm, const struct map_request *q)
{
	struct region_spare spare;
	struct region *r;
	bool anon_shared = (q->region_flags & REGION_SHARED) && q->host_fd < 0;
	bool charged = anon_shared || region_is_charged(q->prot, q->region_flags);
	int err = region_spare_fill(&spare, 2);

	if (err)
		return err;
	r = spare.node[0];
	spare.node[0] = NULL;
	if (anon_shared && !(r->shm = shared_anon_create())) {
		err = -ENOMEM;
		goto out;
	}
	if (charged && memory_charge(q->len)) {
		err = -ENOMEM;
		goto out;
	}
	err = order_map(t, q);
	if (err) {
		if (charged)
			memory_uncharge(q->len);
		goto out;
	}
	range_drop(mm, q->addr, q->addr + q->len, &spare);
	r->start = q->addr;
	r->end = q->addr + q->len;
	r->prot = q->prot;
	r->may = q->may;
	r->flags = q->region_flags;
	r->off = q->file || anon_shared ? q->off : q->addr;
	region_show(r, q->file);
	if (anon_shared)
		r->shm->charged = q->len;
	else if (charged)
		r->flags |= REGION_ACCOUNT;
	if (anon_shared && !r->file)
		r->name = "/dev/zero (deleted)";
	range_add(mm, r);
	r = NULL;
out:
	if (r)
		region_free(r);
	region_spare_drop(&spare);
	return err;
}

int64_t mm_map(struct task *t, uaddr_t addr, size_t len, int prot, int flags, struct file *file,
	       uint64_t off)
{
	struct map_request q = {addr,  page_align_up(len), prot & PROT_ALL,
				flags, .file = file,	   .off = off};
	struct mm *mm = t->mm;
	int64_t at;
	int err;

	if (!len)
		return -EINVAL;
	if (q.len < len)
		return -ENOMEM;
	if (file && (off + q.len < off || off + q.len > INT64_MAX))
		return -EOVERFLOW;
	if ((t->proc->personality & READ_IMPLIES_EXEC) && (prot & PROT_READ))
		q.prot |= PROT_EXEC;
	if (flags & MAP_NORESERVE)
		q.region_flags |= REGION_NORESERVE;
	if (flags & MAP_GROWSDOWN)
		q.region_flags |= REGION_GROWSDOWN;
	/* The file is asked first: its op may sleep, and nothing looked up before would hold. */
	err = type_check(&q);
	if (err)
		return err;
	at = addr_check(t, mm, &q);
	if (at < 0)
		return at;
	q.addr = at;
	err = lock_check(t, mm, &q);
	if (!err)
		err = room_check(t, mm, &q);
	if (!err)
		err = map_commit(t, mm, &q);
	return err ? err : at;
}

long sys_mmap(struct task *t, uaddr_t addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	struct file *f = NULL;
	int64_t ret;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		f = fd_get(t, fd);
		if (!f)
			return -EBADF;
	}
	if (flags & MAP_HUGETLB) {
		/* The pool of huge pages is empty, as on most hosts. */
		log_once(mm, "mmap: MAP_HUGETLB refused: there are no huge pages in the pool");
		ret = f ? -EINVAL : -ENOMEM;
	} else if ((flags & MAP_TYPE) == MAP_DROPPABLE) {
		ret = -EINVAL;
	} else {
		ret = mm_map(t, addr, len, prot, flags, f, off);
	}
	file_put(f);
	return ret;
}

/* The ops that unmap [start, end) without touching the machine's own pages. */
static unsigned unmap_ops(uaddr_t start, uaddr_t end, struct vm_op ops[3])
{
	const uaddr_t own[][2] = {
	    {machine_info.low_lo, machine_info.low_hi}, /* the lower one first */
	    {machine_info.stub_lo, machine_info.stub_hi},
	};
	unsigned n = 0;

	for (unsigned i = 0; i < 2 && start < end; i++) {
		if (own[i][0] >= end || own[i][1] <= start)
			continue;
		if (start < own[i][0])
			ops[n++] = (struct vm_op){
			    .kind = VM_UNMAP, .addr = start, .len = own[i][0] - start};
		start = own[i][1];
	}
	if (start < end)
		ops[n++] = (struct vm_op){.kind = VM_UNMAP, .addr = start, .len = end - start};
	return n;
}

int mm_unmap(struct task *t, uaddr_t addr, size_t len)
{
	struct mm *mm = t->mm;
	struct region_spare spare;
	struct vm_op ops[3];
	uaddr_t end = addr + page_align_up(len);
	struct region *r;
	unsigned n;
	size_t done;
	int err;

	if ((addr & ~PAGE_MASK) || addr > machine_info.user_hi ||
	    len > machine_info.user_hi - addr || !len)
		return -EINVAL;
	r = region_overlap(mm, addr, end);
	if (!r)
		return 0;
	if (r->start < addr && r->end > end && mm->count >= REGION_COUNT_MAX)
		return -ENOMEM;
	err = region_spare_fill(&spare, 1);
	if (err)
		return err;
	n = unmap_ops(addr, end, ops);
	err = machine->vm_apply(t->thread, ops, n, &done);
	for (unsigned i = 0; i < n && i < done; i++)
		range_drop(mm, ops[i].addr, ops[i].addr + ops[i].len, &spare);
	region_spare_drop(&spare);
	return err;
}

long sys_munmap(struct task *t, uaddr_t addr, size_t len)
{
	return mm_unmap(t, addr, len);
}
