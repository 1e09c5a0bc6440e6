/*
 * text.h - program files whose system calls are rewritten: their patched pages, made once.
 */
#ifndef SANDBOX_TEXT_H
#define SANDBOX_TEXT_H

#include <sys/stat.h>

#include "machine.h"
#include "patch.h"

enum site_state {
	SITE_NEW,     /* nobody has looked at it */
	SITE_SEEN,    /* not decided by dead bytes yet: it has not trapped often enough */
	SITE_PATCHED, /* newer copies of the page have the jump */
	SITE_NEVER,
};

struct text_site {
	struct patch_plan plan;
	enum site_state state;
	int trampoline;
	unsigned traps;	 /* by the real instruction, in any space */
	unsigned caught; /* threads that were caught at the byte where it was */
};

struct text_page {
	uint64_t off;	   /* in the file */
	uint8_t *original; /* PAGE_SIZE bytes; NULL until a site in it is looked at */
	struct text_site **site;
	unsigned sites, patched;
	int copy; /* its newest copy in the pool of pages, -1 when none is patched */
	unsigned *copies, ncopies; /* pages of the pool that are its copies, old ones too */
	bool mapped;   /* ... and that one is mapped somewhere: it will not change any more */
	bool mirrored; /* the newest copy is in the file's mirror */
};

/* What tells one content of a file from another. */
struct text_key {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct text_file {
	struct text_key key;
	bool trusted; /* the key tells a later change; or else it is of use to one mapping only */
	unsigned module;
	unsigned pieces;	     /* mappings of it, in all spaces */
	int fd;			     /* the file, for putting the original back */
	uint64_t text_off, text_end; /* all that is mapped to be executed of it */
	struct text_page **page;     /* ordered by offset */
	unsigned pages, patched;     /* patched sites */
	/* a copy of a range with patches, which can be mapped in one go */
	int mirror_fd;
	uint64_t mirror_off, mirror_len;
	unsigned stale;	 /* pages whose newest copy is not in it */
	unsigned passed; /* mappings that needed such, since it was made */
};

/* The file behind host_fd, with one more piece counted; NULL when it is not to be patched (not a
 * regular file, no room). */
struct text_file *text_open(int host_fd);
void text_extend(struct text_file *file, uint64_t off, uint64_t len); /* that much of it is text */
void text_get(struct text_file *file);				      /* one more piece */
void text_put(struct text_file *file);				      /* one less */
struct text_page *text_page_find(const struct text_file *file, uint64_t off);
struct text_site *text_site_find(const struct text_file *file, uint64_t sys);

/* A site that traps for the first time.  NULL: no memory. */
struct text_site *text_site_add(struct text_file *file, uint64_t sys);
/* Decide: by the instruction before it, or (gap) by dead bytes, for which all of its text is read.
 * bytes: the text round it; holds all of its page. */
void text_site_decide(struct text_file *file, struct text_site *site,
		      const struct patch_text *bytes);
void text_site_decide_gap(struct text_file *file, struct text_site *site);

/* The first page at or behind off, as an index. */
unsigned text_page_index(const struct text_file *file, uint64_t off);
struct text_key text_key_of(const struct stat *st);
bool text_key_equal(const struct text_key *a, const struct text_key *b);

/* --- textcopy.c --- */

/* Make the newest copy of a page, with all sites that are SITE_PATCHED.  False: no room. */
bool text_page_copy(struct text_page *page);
/* Nobody maps page's copies any more. */
void text_page_forget(struct text_page *page);
/* Make op (a private mapping of the file) one of the mirror, as far as there is one of use.  Then
 * still to be mapped over it are those pages for which text_page_stale() holds. */
void text_substitute(struct text_file *file, struct vm_op *op);
static inline bool text_page_stale(const struct text_page *page)
{
	return page->patched > 0 && !page->mirrored;
}
/* The mapping of the newest copy of page at addr.  False: it could not be made. */
bool text_page_map(struct text_page *page, uaddr_t addr, int prot, struct vm_op *op);
void text_copies_fini(void);

/* --- text.c --- */

/* Which call numbers are worth it (NULL: all); set by the backend. */
extern bool (*text_worth)(int64_t nr);
/* Told each decision (may be NULL). */
extern void (*text_note)(const struct text_file *file, const struct text_site *site);
void text_each(void (*what)(const struct text_file *file, const struct text_site *site));
void text_fini(void);

#endif
