/*
 * text.c - program files whose system calls are rewritten: their patched pages, made once and
 * shared by all spaces that map the file.
 *
 * A file is known by what stat() says of it: device, inode, size, both times of change.  That does
 * not tell everything.  A file that changed a moment ago may change again within the same tick of
 * the clock, and one in memory (tmpfs, a memfd) can be written through a mapping with no change of
 * times: such a file is patched for the one mapping that it was opened for, and what was learned is
 * forgotten with it.  (What a private mapping shows of a change that is made while it is mapped is
 * unspecified, by mmap(2); here it shows none in patched pages.)
 *
 * Patched pages are copies in a memfd, the pool.  Code must not change under a running thread, so a
 * copy that is mapped anywhere stays as it is, and the next patch in that page makes another.  A
 * space gets it when it traps at the patched site.  For those who map the file anew there is the
 * mirror: a copy of the whole text, patches and all, that takes one mapping as the file would.
 */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "trampoline.h"
#include "turbo.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#define TMPFS_MAGIC 0x01021994
#define NS_PER_S    1000000000L

#define FILES_MAX    (TURBO_MODULES_MAX / 2) /* and as many descriptors */
#define SETTLED_NS   (100 * 1000000L)	     /* unchanged for so long: times tell changes */
#define MIRROR_MAX   (8UL << 20)	     /* larger text is mapped page by page */
#define GAP_TEXT_MAX (32UL << 20)	     /* ... and not searched for dead bytes */
#define POOL_MAX     (64UL << 20)

bool (*text_worth)(int64_t nr);
void (*text_note)(const struct text_file *file, const struct text_site *site);

static struct text_file *files[FILES_MAX];
static int pool_fd = -1;
static unsigned pool_pages;

/* ---- files ---- */

static struct text_key key_of(const struct stat *st)
{
	return (struct text_key){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool key_equal(const struct text_key *a, const struct text_key *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       time_equal(&a->mtime, &b->mtime) && time_equal(&a->ctime, &b->ctime);
}

/* Would a change of the file from now on show in its times? */
static bool key_settled(int fd, const struct text_key *key)
{
	struct statfs fs;
	struct timespec now;
	int64_t age;

	if (fstatfs(fd, &fs) < 0 || fs.f_type == TMPFS_MAGIC)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - key->ctime.tv_sec > 3600)
		return true;
	age = (now.tv_sec - key->ctime.tv_sec) * NS_PER_S + (now.tv_nsec - key->ctime.tv_nsec);
	return age > SETTLED_NS;
}

static void page_free(struct text_page *page)
{
	for (unsigned i = 0; i < page->sites; i++) {
		trampoline_free(page->site[i]->trampoline);
		free(page->site[i]);
	}
	free(page->site);
	free(page->original);
	free(page);
}

static void file_free(unsigned module)
{
	struct text_file *file = files[module];

	for (unsigned i = 0; i < file->pages; i++)
		page_free(file->page[i]);
	free(file->page);
	if (file->fd >= 0)
		close(file->fd);
	if (file->mirror_fd >= 0)
		close(file->mirror_fd);
	free(file);
	files[module] = NULL;
}

/* A free place, if need be that of a file that is mapped nowhere now. */
static int module_find(void)
{
	static unsigned hand;

	for (unsigned i = 0; i < FILES_MAX; i++) {
		if (files[i] == NULL)
			return (int)i;
	}
	for (unsigned i = 0; i < FILES_MAX; i++) {
		hand = (hand + 1) % FILES_MAX;
		if (files[hand]->pieces == 0) {
			file_free(hand);
			return (int)hand;
		}
	}
	return -ENOSPC;
}

struct text_file *text_open(int host_fd)
{
	struct text_file *file;
	struct text_key key;
	struct stat st;
	int module;

	if (fstat(host_fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	key = key_of(&st);
	for (unsigned i = 0; i < FILES_MAX; i++) {
		if (files[i] != NULL && files[i]->trusted && key_equal(&files[i]->key, &key)) {
			files[i]->pieces++;
			return files[i];
		}
	}
	module = module_find();
	file = module < 0 ? NULL : calloc(1, sizeof(*file));
	if (file == NULL)
		return NULL;
	*file = (struct text_file){
	    .key = key,
	    .trusted = key_settled(host_fd, &key),
	    .module = (unsigned)module,
	    .pieces = 1,
	    .fd = fcntl(host_fd, F_DUPFD_CLOEXEC, 0),
	    .mirror_fd = -1,
	};
	files[module] = file;
	if (file->fd < 0) {
		file_free((unsigned)module);
		return NULL;
	}
	return file;
}

void text_extend(struct text_file *file, uint64_t off, uint64_t len)
{
	if (file->text_end == 0 || off < file->text_off)
		file->text_off = off;
	if (off + len > file->text_end)
		file->text_end = off + len;
}

void text_get(struct text_file *file)
{
	file->pieces++;
}

void text_put(struct text_file *file)
{
	if (--file->pieces == 0 && !file->trusted)
		file_free(file->module);
}

/* ---- pages and sites ---- */

/* The first page at or behind off, as an index. */
static unsigned page_index(const struct text_file *file, uint64_t off)
{
	unsigned lo = 0, hi = file->pages;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (file->page[mid]->off < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct text_page *text_page_find(const struct text_file *file, uint64_t off)
{
	unsigned i = page_index(file, off & PAGE_MASK);

	return i < file->pages && file->page[i]->off == (off & PAGE_MASK) ? file->page[i] : NULL;
}

struct text_site *text_site_find(const struct text_file *file, uint64_t sys)
{
	struct text_page *page = text_page_find(file, sys);

	for (unsigned i = 0; page != NULL && i < page->sites; i++) {
		if (page->site[i]->plan.sys == sys)
			return page->site[i];
	}
	return NULL;
}

static struct text_page *page_add(struct text_file *file, uint64_t off)
{
	unsigned at = page_index(file, off);
	struct text_page **grown = realloc(file->page, (file->pages + 1) * sizeof(*grown));
	struct text_page *page = calloc(1, sizeof(*page));

	if (grown != NULL)
		file->page = grown;
	if (grown == NULL || page == NULL) {
		free(page);
		return NULL;
	}
	page->off = off;
	page->copy = -1;
	memmove(&file->page[at + 1], &file->page[at], (file->pages - at) * sizeof(*grown));
	file->page[at] = page;
	file->pages++;
	return page;
}

struct text_site *text_site_add(struct text_file *file, uint64_t sys)
{
	struct text_page *page = text_page_find(file, sys);
	struct text_site **grown, *site;

	if (page == NULL)
		page = page_add(file, sys & PAGE_MASK);
	if (page == NULL)
		return NULL;
	grown = realloc(page->site, (page->sites + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	page->site = grown;
	site = calloc(1, sizeof(*site));
	if (site == NULL)
		return NULL;
	site->plan.sys = sys;
	site->trampoline = -1;
	page->site[page->sites++] = site;
	return site;
}

/* ---- copies of pages ---- */

static int pool_open(void)
{
	if (pool_fd >= 0)
		return 0;
	pool_fd = memfd_create("ukernel-text", MFD_CLOEXEC | MFD_EXEC);
	if (pool_fd < 0 && errno == EINVAL) /* before Linux 6.3 */
		pool_fd = memfd_create("ukernel-text", MFD_CLOEXEC);
	return pool_fd < 0 ? -errno : 0;
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

static bool page_copy(struct text_page *page)
{
	static uint8_t bytes[PAGE_SIZE];
	int at = page->mapped || page->copy < 0 ? (int)pool_pages : page->copy;

	if (pool_open() < 0 || (uint64_t)at * PAGE_SIZE >= POOL_MAX)
		return false;
	page_compose(page, bytes);
	if (pwrite(pool_fd, bytes, PAGE_SIZE, (off_t)at * (off_t)PAGE_SIZE) != PAGE_SIZE)
		return false;
	pool_pages += at == (int)pool_pages;
	page->copy = at;
	page->mapped = false;
	return true;
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

/* ---- decisions ---- */

static void site_never(struct text_site *site, const char *why)
{
	site->state = SITE_NEVER;
	site->plan.why = why;
	site->plan.pieces = 0;
}

/* The plan is good: give it a trampoline and make the page's next copy. */
static void site_patch(struct text_file *file, struct text_site *site)
{
	struct text_page *page = text_page_find(file, site->plan.sys);
	bool stale = text_page_stale(page);

	if (site->plan.nr >= 0 && text_worth != NULL && !text_worth(site->plan.nr)) {
		site_never(site, "this call takes a stop anyway");
		return;
	}
	site->trampoline = trampoline_make(&site->plan, file->module);
	if (site->trampoline < 0) {
		site_never(site, "no slot is left");
		return;
	}
	site->state = SITE_PATCHED;
	if (!page_copy(page)) {
		trampoline_free(site->trampoline);
		site->trampoline = -1;
		site_never(site, "no room for the page");
		return;
	}
	page->patched++;
	page->mirrored = false;
	file->patched++;
	file->stale += !stale;
}

/* Keep the page as it is in the file. */
static bool page_know(struct text_page *page, const struct patch_text *bytes)
{
	if (page->original != NULL)
		return true;
	page->original = malloc(PAGE_SIZE);
	if (page->original == NULL)
		return false;
	memcpy(page->original, bytes->bytes + (page->off - bytes->off), PAGE_SIZE);
	return true;
}

void text_site_decide(struct text_file *file, struct text_site *site,
		      const struct patch_text *bytes)
{
	if (!page_know(text_page_find(file, site->plan.sys), bytes)) {
		site_never(site, "no memory");
		return;
	}
	patch_before(bytes, site->plan.sys, &site->plan);
	if (site->plan.kind != PATCH_NONE)
		site_patch(file, site);
	else
		site->state = SITE_SEEN;
	if (text_note != NULL)
		text_note(file, site);
}

/* Bytes that other sites of the page have taken. */
static size_t page_taken(const struct text_page *page, struct patch_piece *taken, size_t max)
{
	size_t n = 0;

	for (unsigned i = 0; i < page->sites; i++) {
		const struct patch_plan *plan = &page->site[i]->plan;

		for (int k = 0; k < plan->pieces && n < max; k++)
			taken[n++] = plan->piece[k];
	}
	return n;
}

void text_site_decide_gap(struct text_file *file, struct text_site *site)
{
	uint64_t off = file->text_off, len = file->text_end - off;
	static struct patch_piece taken[256];
	struct patch_text text = {NULL, off, len};
	uint64_t sys = site->plan.sys;
	uint8_t *bytes = len <= GAP_TEXT_MAX ? malloc(len) : NULL;
	ssize_t got = bytes == NULL ? -1 : pread(file->fd, bytes, len, (off_t)off);
	const struct text_page *page = text_page_find(file, sys);
	size_t ntaken = page_taken(page, taken, sizeof(taken) / sizeof(taken[0]));

	text.bytes = bytes;
	text.len = got < 0 ? 0 : (size_t)got;
	if (page->off < off || sys - off + 2 > text.len ||
	    memcmp(bytes + (page->off - off), page->original, sys + 1 - page->off) != 0) {
		site_never(site, "its text cannot be read");
	} else if (ntaken == sizeof(taken) / sizeof(taken[0])) {
		site_never(site, "its page is full");
	} else {
		patch_gap(&text, sys, taken, ntaken, &site->plan);
		if (site->plan.kind == PATCH_NONE)
			site->state = SITE_NEVER;
		else
			site_patch(file, site);
	}
	free(bytes);
	if (text_note != NULL)
		text_note(file, site);
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

	for (unsigned i = page_index(file, off); i < file->pages; i++) {
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
	int fd = memfd_create("ukernel-text", MFD_CLOEXEC | MFD_EXEC);
	struct text_key now;
	struct stat st;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ukernel-text", MFD_CLOEXEC);
	file->passed = 0;
	if (fd < 0)
		return;
	if (ftruncate(fd, (off_t)len) < 0 || !range_copy(file->fd, off, len, fd) ||
	    !mirror_patch(file, fd, off, len) || fstat(file->fd, &st) < 0)
		goto out;
	now = key_of(&st);
	if (!key_equal(&now, &file->key))
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

void text_each(void (*what)(const struct text_file *file, const struct text_site *site))
{
	for (unsigned i = 0; i < FILES_MAX; i++) {
		for (unsigned k = 0; files[i] != NULL && k < files[i]->pages; k++) {
			for (unsigned s = 0; s < files[i]->page[k]->sites; s++)
				what(files[i], files[i]->page[k]->site[s]);
		}
	}
}

void text_fini(void)
{
	for (unsigned i = 0; i < FILES_MAX; i++) {
		if (files[i] != NULL)
			file_free(i);
	}
	if (pool_fd >= 0)
		close(pool_fd);
	pool_fd = -1;
	pool_pages = 0;
	trampolines_fini();
}
