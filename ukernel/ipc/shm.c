/*
 * shm.c - shmget, shmat and shmdt(2): segments of memory that many may attach.
 *
 * The memory is a memfd's, so that guests map it as they map any shared file.  An attachment is an
 * open file of its own, and each region that shows it counts as one (file_ops.mapped), as in
 * Linux: fork, and a hole in the middle of an attachment, raise the count.
 */
#include "ipc/shm.h"

#include "fs/file.h"
#include "fs/memfd.h"
#include "ipc/ipc.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#define SHM_LIMIT (UINT64_MAX - (1UL << 24))

uint64_t shm_max_bytes = SHM_LIMIT, shm_all_pages = SHM_LIMIT, shm_max_ids = 4096, shm_rmid_forced;
uint64_t shm_pages;

static void shm_destroy(struct ipc_object *o)
{
	struct shm_segment *s = shm_of(o);

	file_put(s->file);
	ipc_free(s, sizeof(*s));
}

struct ipc_ids shm_ids = {.next_id = -1, .destroy = shm_destroy};

static uint64_t pages_of(uint64_t bytes)
{
	return bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
}

/* --- segments --- */

/* More than there is on the host is refused, but for SHM_NORESERVE, as Linux's heuristic does. */
static bool too_much(uint64_t pages, unsigned flags)
{
	long all = sysconf(_SC_PHYS_PAGES);

	return !(flags & SHM_NORESERVE) && all > 0 && pages > (uint64_t)all;
}

static int segment_create(struct task *t, const struct ipc_get *g)
{
	uint64_t pages = pages_of(g->size);
	struct shm_segment *s;
	char label[24];
	int id;

	if (!g->size || g->size > shm_max_bytes)
		return -EINVAL;
	if (g->size > UINT64_MAX - PAGE_SIZE || shm_pages + pages < pages ||
	    shm_pages + pages > shm_all_pages)
		return -ENOSPC;
	if (g->flags & SHM_HUGETLB) /* the pool of huge pages is empty */
		return cred_capable(t->cred, CAP_IPC_LOCK_BIT) ? -ENOMEM : -EPERM;
	if (too_much(pages, g->flags) || pages > INT64_MAX / PAGE_SIZE)
		return -ENOMEM;
	s = ipc_alloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	snprintf(label, sizeof(label), "/SYSV%08x", (unsigned)g->key);
	id = memfd_open_fresh(t, label, pages * PAGE_SIZE, g->flags & 0777, &s->file);
	if (!id)
		id = ipc_add(t, &shm_ids, &s->o, g, shm_max_ids);
	if (id < 0) {
		shm_destroy(&s->o);
		return id == -EMFILE || id == -ENFILE ? -ENOSPC : id;
	}
	s->file->inode->ino = (uint64_t)id;
	s->size = g->size;
	s->cpid = t->proc->pid;
	s->ctime = ipc_now();
	shm_pages += pages;
	return id;
}

static int segment_check(const struct ipc_object *o, const struct ipc_get *g)
{
	return container_of(o, struct shm_segment, o)->size < g->size ? -EINVAL : 0;
}

long sys_shmget(struct task *t, int key, size_t size, unsigned long flags)
{
	struct ipc_get g = {segment_create, segment_check, key, (unsigned)flags, size};

	return ipc_get(t, &shm_ids, &g);
}

static void segment_settle(struct shm_segment *s)
{
	if (s->nattch || s->o.removed || !(shm_rmid_forced || (s->o.mode & SHM_DEST)))
		return;
	shm_pages -= pages_of(s->size);
	ipc_remove(&shm_ids, &s->o);
}

void shm_doom(struct shm_segment *s)
{
	s->o.mode |= SHM_DEST;
	ipc_forget_key(&s->o);
	segment_settle(s);
}

uint64_t shm_resident(const struct shm_segment *s)
{
	struct kstat st;

	return inode_getattr(s->file->inode, &st) ? 0 : st.blocks * 512;
}

/* --- attachments --- */

static int attachment_mmap(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off)
{
	struct shm_segment *s = f->priv;

	return s->file->ops->mmap(s->file, prot, shared, host_fd, off);
}

/* For madvise(MADV_REMOVE). */
static int attachment_fallocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	struct shm_segment *s = f->priv;

	return s->file->ops->fallocate(s->file, mode, off, len);
}

static void attachment_mapped(struct file *f, bool begin)
{
	struct shm_segment *s = f->priv;

	s->nattch += begin ? 1 : -1;
	*(begin ? &s->atime : &s->dtime) = ipc_now();
	s->lpid = current ? current->proc->pid : 0;
	if (!begin)
		segment_settle(s);
}

static void attachment_release(struct file *f)
{
	ipc_put(&shm_ids, &((struct shm_segment *)f->priv)->o);
}

static const struct file_ops attachment_ops = {
    .name = "shm",
    .fallocate = attachment_fallocate,
    .mmap = attachment_mmap,
    .mapped = attachment_mapped,
    .release = attachment_release,
};

static int addr_check(uaddr_t *addr, unsigned flags)
{
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (!(*addr & ~PAGE_MASK))
		return 0;
	if (!(flags & SHM_RND))
		return -EINVAL;
	*addr &= PAGE_MASK;
	return !*addr && (flags & SHM_REMAP) ? -EINVAL : 0;
}

/* Is anything mapped in [addr, addr + len)? */
static bool occupied(struct task *t, uaddr_t addr, uint64_t len)
{
	struct region_info r;

	return mm_region_next(t->mm, addr, &r) && r.start < addr + len;
}

static int64_t attach(struct task *t, struct shm_segment *s, uaddr_t addr, unsigned flags)
{
	int prot =
	    PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	struct file *f =
	    file_alloc(&attachment_ops, &s->file->path, flags & SHM_RDONLY ? O_RDONLY : O_RDWR);
	int64_t at;

	if (!f)
		return -ENOMEM;
	f->priv = s;
	ipc_hold(&s->o);
	s->nattch++; /* what is replaced must not be the last */
	at = mm_map(t, addr, s->size, prot, MAP_SHARED | (addr ? MAP_FIXED : 0), f, 0);
	s->nattch--;
	segment_settle(s);
	file_put(f);
	return at;
}

long sys_shmat(struct task *t, int id, uaddr_t addr, unsigned long uflags)
{
	unsigned flags = (unsigned)uflags;
	unsigned need = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
	struct shm_segment *s;
	uint64_t len;
	int err = id < 0 ? -EINVAL : addr_check(&addr, flags);

	if (err)
		return err;
	s = shm_of(ipc_find(&shm_ids, id));
	if (!s)
		return -EINVAL;
	err = ipc_permission(t, &s->o, need);
	if (err)
		return err;
	len = pages_of(s->size) * PAGE_SIZE;
	if (addr && !(flags & SHM_REMAP)) {
		if (addr + len < addr || occupied(t, addr, len))
			return -EINVAL;
	}
	return attach(t, s, addr, flags);
}

/* Is r a part of the attachment that began at addr? */
static bool part_of(const struct region_info *r, uaddr_t addr)
{
	return r->file && r->file->ops == &attachment_ops && r->start - addr == r->off;
}

long sys_shmdt(struct task *t, uaddr_t addr)
{
	const struct file *file = NULL;
	struct region_info r;
	uint64_t len = 0;
	int err = -EINVAL;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	for (uaddr_t at = addr; mm_region_next(t->mm, at, &r); at = r.end) {
		if (file && r.end - addr > len)
			break;
		if (!part_of(&r, addr) || (file && r.file != file))
			continue;
		if (!file)
			len = pages_of(((struct shm_segment *)r.file->priv)->size) * PAGE_SIZE;
		file = r.file; /* only compared from here on */
		err = mm_unmap(t, r.start, r.end - r.start);
		if (err)
			break;
	}
	return err;
}
