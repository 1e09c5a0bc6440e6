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
 */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ehframe.h"
#include "trampoline.h"
#include "turbo.h"

#define TMPFS_MAGIC 0x01021994
#define NS_PER_S    1000000000L

#define FILES_MAX    (TURBO_MODULES_MAX / 2) /* and as many descriptors */
#define SETTLED_NS   (100 * 1000000L)	     /* unchanged for so long: times tell changes */
#define GAP_TEXT_MAX (32UL << 20)	     /* ... and not searched for dead bytes */

bool (*text_worth)(int64_t nr);
void (*text_note)(const struct text_file *file, const struct text_site *site);

static struct text_file *files[FILES_MAX];

/* ---- files ---- */

struct text_key text_key_of(const struct stat *st)
{
	return (struct text_key){st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool text_key_equal(const struct text_key *a, const struct text_key *b)
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
	text_page_forget(page);
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
	key = text_key_of(&st);
	for (unsigned i = 0; i < FILES_MAX; i++) {
		if (files[i] != NULL && files[i]->trusted && text_key_equal(&files[i]->key, &key)) {
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
unsigned text_page_index(const struct text_file *file, uint64_t off)
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
	unsigned i = text_page_index(file, off & PAGE_MASK);

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
	unsigned at = text_page_index(file, off);
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
	if (!text_page_copy(page)) {
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

static bool signal_known(void *file, uint64_t from, uint64_t to)
{
	return ehframe_signal(((const struct text_file *)file)->fd, from, to);
}

void text_site_decide(struct text_file *file, struct text_site *site,
		      const struct patch_text *bytes)
{
	struct patch_text text = *bytes;

	text.known = signal_known;
	text.context = file;
	if (!page_know(text_page_find(file, site->plan.sys), bytes)) {
		site_never(site, "no memory");
		return;
	}
	patch_before(&text, site->plan.sys, &site->plan);
	if (site->plan.kind != PATCH_NONE)
		site_patch(file, site);
	else if (site->plan.nr == SYS_rt_sigreturn)
		site->state = SITE_NEVER; /* a gap would be no better */
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
	struct patch_text text = {.off = off, .len = len};
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
	text_copies_fini();
	trampolines_fini();
}
