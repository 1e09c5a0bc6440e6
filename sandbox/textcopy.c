/*
 * textcopy.c - the patched copies of a file's pages.
 *
 * They are pages of a memfd, the pool.  Code must not change under a running thread, so a copy that
 * is mapped anywhere stays as it is, and the next patch in that page makes another.  A space gets
 * it when it traps at the patched site.  For those who map the file anew there is the mirror: a
 * copy of the whole text, patches and all, that takes one mapping as the file would.
 */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#define MIRROR_MAX (8UL << 20) /* larger text is mapped page by page */
#define POOL_MAX   (64UL << 20)

static int pool_fd = -1;
static unsigned pool_pages; /* ever used */
static unsigned *pool_free; /* of those: nobody maps them any more */
static unsigned pool_frees, pool_free_room;

static int copy_open(void)
{
	int fd = memfd_create("ukernel-text", MFD_CLOEXEC | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		fd = memfd_create("ukernel-text", MFD_CLOEXEC);
	return fd;
}

/* The page as it is to be now. */
static void page_compose(const struct text_page *page, uint8_t *out)
{
	memcpy(out, page->original, PAGE_SIZE);
	for (unsigned i = 0; i < page->sites; i++) {
		const struct patch_plan *plan = &page->site[i]->plan;

		for (int k = 0; k < plan->pieces && page->site[i]->state == SITE_PATCHED; k++)
			memcpy(out + (plan->piece[k].off - page->off), plan->piece[k].bytes,
			       plan->piece[k].len);
	}
}

/* A page of the pool for page's next copy, which keeps its older ones for as long as somebody may
 * map them.  -1: none. */
static int pool_page(struct text_page *page)
{
	unsigned *grown = realloc(page->copies, (page->ncopies + 1) * sizeof(*grown));
	unsigned at;

	if (grown == NULL)
		return -1;
	page->copies = grown;
	if (pool_frees > 0)
		at = pool_free[--pool_frees];
	else if ((uint64_t)pool_pages * PAGE_SIZE < POOL_MAX)
		at = pool_pages++;
	else
		return -1;
	page->copies[page->ncopies++] = at;
	return (int)at;
}

bool text_page_copy(struct text_page *page)
{
	static uint8_t bytes[PAGE_SIZE];
	int at = page->copy;

	if (pool_fd < 0)
		pool_fd = copy_open();
	if (pool_fd >= 0 && (page->mapped || at < 0))
		at = pool_page(page);
	if (pool_fd < 0 || at < 0)
		return false;
	page_compose(page, bytes);
	if (pwrite(pool_fd, bytes, PAGE_SIZE, (off_t)at * (off_t)PAGE_SIZE) != PAGE_SIZE)
		return false;
	page->copy = at;
	page->mapped = false;
	return true;
}

void text_page_forget(struct text_page *page)
{
	unsigned need = pool_frees + page->ncopies;
	unsigned *grown = pool_free;

	if (need > pool_free_room) {
		grown = realloc(pool_free, (size_t)need * 2 * sizeof(*grown));
		if (grown != NULL)
			pool_free_room = need * 2;
	}
	if (grown != NULL) { /* else they are lost */
		pool_free = grown;
		for (unsigned i = 0; i < page->ncopies; i++)
			pool_free[pool_frees++] = page->copies[i];
	}
	free(page->copies);
	page->copies = NULL;
	page->ncopies = 0;
}

bool text_page_map(struct text_page *page, uaddr_t addr, int prot, struct vm_op *op)
{
	if (page->copy < 0)
		return false;
	*op = (struct vm_op){
	    .kind = VM_MAP,
	    .addr = addr,
	    .len = PAGE_SIZE,
	    .prot = prot,
	    .flags = MAP_PRIVATE,
	    .host_fd = pool_fd,
	    .off = (uint64_t)page->copy * PAGE_SIZE,
	};
	page->mapped = true;
	return true;
}

/* ---- the mirror ---- */

static bool range_copy(int from, uint64_t off, uint64_t len, int to)
{
	static uint8_t bytes[64 << 10];

	for (uint64_t done = 0; done < len;) {
		size_t want = len - done < sizeof(bytes) ? len - done : sizeof(bytes);
		ssize_t n = pread(from, bytes, want, (off_t)(off + done));

		if (n <= 0)
			return n == 0; /* the end of the file */
		if (pwrite(to, bytes, (size_t)n, (off_t)done) != n)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

/* All pages of the range that have patches, into the mirror.  False: the file is not what it was.
 */
static bool mirror_patch(struct text_file *file, int fd, uint64_t off, uint64_t len)
{
	static uint8_t bytes[PAGE_SIZE];

	for (unsigned i = text_page_index(file, off); i < file->pages; i++) {
		const struct text_page *page = file->page[i];
		off_t at = (off_t)(page->off - off);
		ssize_t n;

		if (page->off >= off + len)
			break;
		if (page->patched == 0)
			continue;
		n = pread(fd, bytes, PAGE_SIZE, at);
		if (n <= 0 || memcmp(bytes, page->original, (size_t)n) != 0)
			return false;
		page_compose(page, bytes);
		if (pwrite(fd, bytes, PAGE_SIZE, at) != PAGE_SIZE)
			return false;
	}
	return true;
}

static void mirror_make(struct text_file *file, uint64_t off, uint64_t len)
{
	int fd = copy_open();
	struct text_key now;
	struct stat st;

	file->passed = 0;
	if (fd < 0)
		return;
	if (ftruncate(fd, (off_t)len) < 0 || !range_copy(file->fd, off, len, fd) ||
	    !mirror_patch(file, fd, off, len) || fstat(file->fd, &st) < 0)
		goto out;
	now = text_key_of(&st);
	if (!text_key_equal(&now, &file->key))
		goto out;
	if (file->mirror_fd >= 0)
		close(file->mirror_fd);
	file->mirror_fd = fd;
	file->mirror_off = off;
	file->mirror_len = len;
	file->stale = 0;
	for (unsigned i = 0; i < file->pages; i++) {
		struct text_page *page = file->page[i];

		page->mirrored = page->off >= off && page->off < off + len;
		file->stale += text_page_stale(page);
	}
	return;
out:
	close(fd);
}

void text_substitute(struct text_file *file, struct vm_op *op)
{
	bool covered = file->mirror_fd >= 0 && op->off >= file->mirror_off &&
		       op->off + op->len <= file->mirror_off + file->mirror_len;

	if (file->patched == 0 || !file->trusted || op->len > MIRROR_MAX)
		return;
	/* Worth a copy of the text: many pages to map apart, or a few again and again. */
	if ((file->stale > 0 || !covered) && (file->stale >= 8 || ++file->passed >= 4)) {
		uint64_t end = (uint64_t)file->key.size + PAGE_SIZE - 1;

		/* Not beyond the end of the file, where there is SIGBUS. */
		if (op->off + op->len <= (end & PAGE_MASK))
			mirror_make(file, op->off, op->len);
		covered = file->mirror_fd >= 0 && op->off >= file->mirror_off &&
			  op->off + op->len <= file->mirror_off + file->mirror_len;
	}
	if (!covered)
		return;
	op->host_fd = file->mirror_fd;
	op->off -= file->mirror_off;
}

void text_copies_fini(void)
{
	if (pool_fd >= 0)
		close(pool_fd);
	pool_fd = -1;
	free(pool_free);
	pool_free = NULL;
	pool_pages = pool_frees = pool_free_room = 0;
}
