/*
 * foretell.c - what guests are likely to ask about files next, told before they ask.
 *
 * Who has read a directory often asks for the attributes of each name in it, in the same order; who
 * has opened a file asks for its attributes; who has read all of it reads once more and gets
 * nothing.  Where a call is dear beside its answer (machine.h, foretell) such answers are given
 * ahead.  They are what the call would get if it were made now, and good only while it still would:
 * every call but a few that change nothing takes them all back before it begins, so does whoever
 * has slept in one, and so does time.  Nothing is foretold of files whose attributes may change
 * without us knowing for longer than is believed (fs_type.steady).
 */
#include "fs/foretell.h"

#include "fs/file.h"
#include "fs/stat.h"
#include "fs/vfs.h"
#include "kern/task.h"
#include "trace/costs.h"
#include "trace/explain.h"
#include "trace/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LISTINGS  16	     /* directories whose names are remembered, the latest read */
#define NAMES_MAX (32 << 10) /* bytes of them, each */
#define DEPTH_MAX 24
#define LOOK	  64 /* a name is looked for among so many from the latest on */

bool foretold_live;

/* The names of a directory, in the order in which they were read. */
struct listing {
	struct inode *dir;  /* uncounted; NULL: free */
	uint64_t end;	    /* position in the directory behind the last */
	char *names;	    /* each with its NUL */
	size_t len, cursor; /* cursor: behind the name that was asked for last */
	size_t run_end;	    /* behind the last that was foretold */
	unsigned depth, given;
	uint64_t used_mark; /* used_sum when they were */
	uint64_t turn;	    /* when it was read: the oldest is replaced */
};
static struct listing listings[LISTINGS];
static uint64_t turns, used_sum;
static unsigned depth_usual = 4;
static uint64_t fstat_nr = SYS_newfstatat; /* by which call programs ask about an open file */

/* ---- when ---- */

/* What guests were told that they had done. */
static void catch_up(void)
{
	uint64_t nr, arg;
	void *cookie;

	while (machine->foretold_made(&cookie, &nr, &arg)) {
		struct task *t = cookie;

		if (nr != SYS_close || !t->files)
			continue;
		machine->foretold_not(FORETOLD_FD, (uint32_t)arg);
		(void)fd_close(t, (int)arg);
	}
}

void foretell_spoil(void)
{
	if (!foretold_live)
		return;
	foretold_live = false;
	machine->foretold_not(FORETOLD_ALL, 0);
	catch_up();
}

static bool changes_by_open(uint64_t flags)
{
	return flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY));
}

static enum foretold_kind spoilt_by_fcntl(uint64_t cmd)
{
	switch ((unsigned)cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_GETFD:
	case F_GETFL:
		return FORETOLD_NEXT;
	case F_SETFD:
		return FORETOLD_FD;
	default:
		return FORETOLD_ALL;
	}
}

static enum foretold_kind spoilt_by(uint64_t nr, const uint64_t *arg)
{
	switch (nr) {
	case SYS_stat:
	case SYS_lstat:
	case SYS_fstat:
	case SYS_newfstatat:
	case SYS_statx:
	case SYS_access:
	case SYS_faccessat:
	case SYS_faccessat2:
	case SYS_readlink:
	case SYS_readlinkat:
	case SYS_getdents64:
	case SYS_read:
	case SYS_pread64:
	case SYS_lseek:
	case SYS_brk:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_rt_sigaction:
	case SYS_rt_sigprocmask:
	case SYS_clock_gettime:
	case SYS_getrusage:
	case SYS_getcwd:
	case SYS_getrandom:
	case SYS_sysinfo:
	case SYS_uname:
	case SYS_rseq:
	case SYS_set_robust_list:
	case SYS_set_tid_address:
	case SYS_arch_prctl:
		return FORETOLD_NEXT;
	case SYS_prlimit64:
		return arg[2] == 0 ? FORETOLD_NEXT : FORETOLD_ALL;
	case SYS_mmap:
		return arg[3] & MAP_PRIVATE ? FORETOLD_NEXT : FORETOLD_ALL;
	case SYS_open:
		return changes_by_open(arg[1]) ? FORETOLD_ALL : FORETOLD_NEXT;
	case SYS_openat:
		return changes_by_open(arg[2]) ? FORETOLD_ALL : FORETOLD_NEXT;
	case SYS_fcntl:
		return spoilt_by_fcntl(arg[1]);
	case SYS_close:
		return FORETOLD_FD;
	default:
		return FORETOLD_ALL;
	}
}

void foretell_trap(uint64_t nr, const uint64_t *arg)
{
	enum foretold_kind kind = spoilt_by(nr, arg);

	if (kind == FORETOLD_ALL) {
		foretell_spoil();
		return;
	}
	machine->foretold_not(kind, (uint32_t)arg[0]);
	catch_up();
}

/* What is traced or counted has to arrive. */
bool foretell_on(struct task *t)
{
	return machine->foretell && !trace_on && !costs_on && !explain_on && t->in_syscall &&
	       machine->foretell(t->thread, NULL);
}

static bool steady(struct inode *ino)
{
	return ino->sb->type->steady && ino->sb->type->steady(ino);
}

static void tell(struct task *t, const struct foretold *f)
{
	if (machine->foretell(t->thread, f))
		foretold_live = true;
}

/* ---- an open file ---- */

static void tell_fstat(struct task *t, int fd, const struct path *p)
{
	struct foretold f = {.nr = fstat_nr, .arg0 = (uint64_t)fd, .to = 1};
	struct abi_stat st;
	struct kstat k;

	if (path_getattr(p, &k))
		return;
	stat_fill(&k, &st);
	if (fstat_nr == SYS_newfstatat) {
		f.path = "";
		f.key[0].arg = 3;
		f.key[0].value = AT_EMPTY_PATH;
		f.to = 2;
	}
	f.data = &st;
	f.len = sizeof(st);
	tell(t, &f);
}

static void tell_flags(struct task *t, int fd, const struct file *file)
{
	struct foretold f = {.nr = SYS_fcntl, .arg0 = (uint64_t)fd, .result = file->flags};

	f.key[0].arg = 1;
	f.key[0].value = F_GETFL;
	tell(t, &f);
	if (!fd_cloexec(t, fd))
		return;
	f.key[0].value = F_SETFD;
	f.key[1].arg = 2;
	f.key[1].value = FD_CLOEXEC;
	f.result = 0;
	tell(t, &f);
}

/* That it can be closed, if nobody sees whether that happens a little later. */
static void tell_close(struct task *t, int fd, const struct file *f)
{
	struct foretold told = {.nr = SYS_close, .arg0 = (uint64_t)fd, .post = true};
	const struct inode *ino = f->inode, *up = f->path.dentry->parent->inode;

	/* Whoever shares the descriptors must not see it open any more. */
	if (fdtable_refs(t->files) == 1 && (f->flags & O_ACCMODE) == O_RDONLY && !ino->locks &&
	    !ino->nr_leases && !ino->watches && !up->watches && !f->async)
		tell(t, &told);
}

void foretell_duplicated(struct task *t, int fd, struct file *f)
{
	if ((S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode)) && !(f->flags & O_PATH) &&
	    foretell_on(t) && steady(f->inode))
		tell_close(t, fd, f);
}

void foretell_no_link(struct task *t, const struct path *p, const char *name)
{
	struct foretold f = {
	    .nr = SYS_readlink,
	    .path = name,
	    .path_first = true,
	    .result = -EINVAL,
	    .keep = true,
	};

	if (t->trap.syscall.nr == f.nr && foretell_on(t) && steady(p->dentry->inode))
		tell(t, &f);
}

static bool tell_name(struct task *t, const char *name, bool counts);

void foretell_opened(struct task *t, int fd, struct file *f, const char *name)
{
	const bool dir = S_ISDIR(f->inode->mode);

	if (t->trap.syscall.nr != SYS_openat || (!S_ISREG(f->inode->mode) && !dir) ||
	    (f->flags & O_PATH) || !foretell_on(t) || !steady(f->inode))
		return;
	if (dir) {
		tell_flags(t, fd, f);
		/* Whoever goes down a tree makes sure that it came to where it wanted. */
		if ((t->trap.syscall.arg[2] & O_NOFOLLOW) && !strchr(name, '/'))
			tell_name(t, name, false);
	}
	tell_close(t, fd, f);
	tell_fstat(t, fd, &f->path);
}

void foretell_fstat(struct task *t)
{
	uint64_t nr = t->trap.syscall.nr;

	if (nr == SYS_fstat || nr == SYS_newfstatat)
		fstat_nr = nr;
}

void foretell_end(struct task *t, struct file *f)
{
	struct foretold told = {
	    .nr = t->trap.syscall.nr,
	    .arg0 = t->trap.syscall.arg[0],
	    .next_only = true,
	};

	if ((told.nr == SYS_read || told.nr == SYS_getdents64) && foretell_on(t) &&
	    steady(f->inode))
		tell(t, &told);
}

/* ---- the names of a directory ---- */

static struct listing *listing_find(const struct inode *dir)
{
	for (int i = 0; i < LISTINGS; i++)
		if (listings[i].dir == dir)
			return &listings[i];
	return NULL;
}

void foretell_dir_gone(struct inode *dir)
{
	struct listing *l = listing_find(dir);

	dir->listed = false;
	if (l)
		l->dir = NULL;
}

static struct listing *listing_begin(struct inode *dir)
{
	struct listing *l = listing_find(dir);

	for (int i = 0; !l && i < LISTINGS; i++)
		if (!listings[i].dir)
			l = &listings[i];
	if (!l) {
		l = &listings[0];
		for (int i = 1; i < LISTINGS; i++)
			if (listings[i].turn < l->turn)
				l = &listings[i];
		l->dir->listed = false;
	}
	if (!l->names)
		l->names = malloc(NAMES_MAX);
	if (!l->names)
		return NULL;
	l->dir = dir;
	dir->listed = true;
	l->end = 0;
	l->len = l->cursor = l->run_end = 0;
	l->given = 0;
	l->depth = depth_usual;
	l->turn = ++turns;
	return l;
}

void foretell_listed(struct inode *dir, uint64_t start, const char *records, size_t len)
{
	struct listing *l = start == 0 ? listing_begin(dir) : listing_find(dir);

	if (!l || l->end != start)
		return;
	for (size_t at = 0; at < len;) {
		const struct dirent64 *e = (const void *)(records + at);
		size_t n = strlen(e->d_name) + 1;
		bool dots = e->d_name[0] == '.' && (n == 2 || (n == 3 && e->d_name[1] == '.'));

		l->end = (uint64_t)e->d_off;
		at += e->d_reclen;
		if (dots)
			continue;
		if (n > NAMES_MAX - l->len) {
			l->end = UINT64_MAX; /* no more of them */
			return;
		}
		memcpy(l->names + l->len, e->d_name, n);
		l->len += n;
	}
}

/* Is name one of the next in l?  Then it is behind the cursor now. */
static bool listing_advance(struct listing *l, const char *name)
{
	size_t at = l->cursor;

	for (int i = 0; i < LOOK && at < l->len; i++) {
		size_t n = strlen(l->names + at) + 1;

		if (strcmp(l->names + at, name) == 0) {
			l->cursor = at + n;
			return true;
		}
		at += n;
	}
	return false;
}

/* The directory that the call's first argument names. */
static struct inode *call_dir(struct task *t)
{
	int dirfd = (int)t->trap.syscall.arg[0];
	struct file *f;

	if (dirfd == AT_FDCWD)
		return t->fs->cwd.dentry->inode;
	f = fdtable_file(t->files, dirfd);
	return f ? f->inode : NULL;
}

/* The answer to newfstatat() or statx() of that name, asked for in the same way as now. */
static bool tell_name(struct task *t, const char *name, bool counts)
{
	const uint64_t *arg = t->trap.syscall.arg;
	const bool x = t->trap.syscall.nr == SYS_statx;
	const bool opening = t->trap.syscall.nr == SYS_openat;
	const int flags = opening ? AT_SYMLINK_NOFOLLOW : (int)(x ? arg[2] : arg[3]);
	struct foretold f = {.arg0 = arg[0], .path = name, .counts = counts};
	union {
		struct abi_stat st;
		struct abi_statx stx;
	} buf;
	struct kstat k;
	struct path p;
	bool good;

	if (path_lookup(t, (int)arg[0], name, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p))
		return false;
	good = !path_getattr(&p, &k) && steady(p.dentry->inode);
	path_put(&p);
	if (!good)
		return false;
	f.nr = x ? SYS_statx : SYS_newfstatat;
	f.key[0].arg = x ? 2 : 3;
	f.key[0].value = opening ? AT_SYMLINK_NOFOLLOW : arg[f.key[0].arg];
	f.to = x ? 4 : 2;
	f.data = &buf;
	f.len = x ? sizeof(buf.stx) : sizeof(buf.st);
	if (x) {
		f.key[1].arg = 3;
		f.key[1].value = arg[3];
		statx_fill(&k, &buf.stx);
	} else {
		stat_fill(&k, &buf.st);
	}
	tell(t, &f);
	return true;
}

/* Foretell less where less was of use. */
static void depth_review(struct task *t, struct listing *l)
{
	used_sum += machine->foretold_used(t->thread);
	if (l->given == 0)
		return;
	if (l->cursor <= l->run_end) /* taken back, or skipped */
		l->depth -= l->depth / 4;
	else if ((used_sum - l->used_mark) * 4 >= l->given * 3UL)
		l->depth = l->depth * 2 < DEPTH_MAX ? l->depth * 2 : DEPTH_MAX;
	else
		l->depth /= 2;
	depth_usual = l->depth < 1 ? 1 : l->depth < 8 ? l->depth : 8;
}

void foretell_stat(struct task *t, const char *name)
{
	const char *next[DEPTH_MAX];
	uint64_t nr = t->trap.syscall.nr;
	struct inode *dir;
	struct listing *l;
	unsigned n = 0;
	size_t at;

	if ((nr != SYS_newfstatat && nr != SYS_statx) || !name[0] || strchr(name, '/') ||
	    !foretell_on(t))
		return;
	dir = call_dir(t);
	l = dir && dir->listed ? listing_find(dir) : NULL;
	if (!l || !listing_advance(l, name) || !steady(dir))
		return;
	depth_review(t, l);
	at = l->cursor;
	for (; n < l->depth && at < l->len; n++) {
		next[n] = l->names + at;
		at += strlen(next[n]) + 1;
	}
	l->run_end = at;
	l->used_mark = used_sum;
	l->given = 0;
	while (n > 0) /* the latest told is the first that is looked at */
		l->given += tell_name(t, next[--n], true);
}
