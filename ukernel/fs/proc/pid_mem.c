/*
 * pid_mem.c - /proc/PID/{maps,smaps,smaps_rollup,statm,cmdline,environ,auxv,mem}: an address space.
 */
#include "fs/proc/proc.h"

#include "mm/mm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TEXT_MAX (1u << 20) /* of arguments or environment shown */

/* --- regions --- */

static void show_region(struct seq *s, const struct region_info *r)
{
	size_t start = s->len;
	struct kstat st = {0};

	if (r->file)
		inode_getattr(r->file->inode, &st);
	else if (r->anon_ino)
		st =
		    (struct kstat){.dev = 1, .ino = r->anon_ino}; /* as of Linux's internal tmpfs */
	seq_printf(s, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", (unsigned long)r->start,
		   (unsigned long)r->end, r->prot & PROT_READ ? 'r' : '-',
		   r->prot & PROT_WRITE ? 'w' : '-', r->prot & PROT_EXEC ? 'x' : '-',
		   r->shared ? 's' : 'p', (unsigned long)r->off, major(st.dev), minor(st.dev),
		   (unsigned long)st.ino);
	if (r->file) {
		char *text = malloc(4096 + 16);
		ssize_t len =
		    text ? path_name(&r->file->path, &current->fs->root, text, 4096 + 16, true)
			 : -ENOMEM;

		seq_pad(s, start, 73);
		if (len >= 0)
			seq_escape(s, text, "\n");
		free(text);
	} else if (r->name) {
		seq_pad(s, start, 73);
		seq_puts(s, r->name);
	}
	seq_puts(s, "\n");
}

int proc_show_maps(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);
	struct region_info r;

	if (!t || !t->mm)
		return 0;
	for (uaddr_t at = 0; mm_region_next(t->mm, at, &r); at = r.end)
		show_region(s, &r);
	return 0;
}

uint64_t proc_resident(const struct task *t)
{
	struct mm_stats ms;

	if (!t || !t->mm || !t->thread)
		return 0;
	if (machine->mem_resident)
		return machine->mem_resident(t->thread);
	mm_stats_get(t->mm, &ms);
	return ms.text + ms.data + ms.stack;
}

/* What is resident is the host's to know: the sizes are what could be. */
static void show_region_sizes(struct seq *s, uint64_t size, uint64_t dirty, uint64_t anon,
			      uint64_t locked)
{
	seq_printf(s, "Rss:            %8lu kB\nPss:            %8lu kB\nPss_Dirty:      %8lu kB\n",
		   (unsigned long)size / 1024, (unsigned long)size / 1024,
		   (unsigned long)dirty / 1024);
	seq_puts(s, "Shared_Clean:          0 kB\nShared_Dirty:          0 kB\n");
	seq_printf(s,
		   "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\nReferenced:     %8lu kB\n"
		   "Anonymous:      %8lu kB\n",
		   (unsigned long)(size - dirty) / 1024, (unsigned long)dirty / 1024,
		   (unsigned long)size / 1024, (unsigned long)anon / 1024);
	seq_puts(s, "KSM:                   0 kB\nLazyFree:              0 kB\n"
		    "AnonHugePages:         0 kB\nShmemPmdMapped:        0 kB\n"
		    "FilePmdMapped:         0 kB\nShared_Hugetlb:        0 kB\n"
		    "Private_Hugetlb:       0 kB\nSwap:                  0 kB\n"
		    "SwapPss:               0 kB\n");
	seq_printf(s, "Locked:         %8lu kB\n", (unsigned long)locked / 1024);
}

static uint64_t region_dirty(const struct region_info *r)
{
	return r->prot & PROT_WRITE ? r->end - r->start : 0;
}

int proc_show_smaps(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);
	struct region_info r;

	if (!t || !t->mm)
		return 0;
	for (uaddr_t at = 0; mm_region_next(t->mm, at, &r); at = r.end) {
		uint64_t size = r.prot ? r.end - r.start : 0;

		show_region(s, &r);
		seq_printf(s,
			   "Size:           %8lu kB\nKernelPageSize:        4 kB\n"
			   "MMUPageSize:           4 kB\n",
			   (unsigned long)(r.end - r.start) / 1024);
		show_region_sizes(s, size, region_dirty(&r), r.file ? 0 : region_dirty(&r),
				  r.locked ? size : 0);
		seq_puts(s, "THPeligible:           0\n");
		/* Shared with a file that may not be written: not shared as far as Linux goes. */
		bool fixed = r.shared && r.file && (r.file->flags & O_ACCMODE) == O_RDONLY;

		seq_printf(s, "VmFlags:%s%s%s%s mr%s me%s%s\n", r.prot & PROT_READ ? " rd" : "",
			   r.prot & PROT_WRITE ? " wr" : "", r.prot & PROT_EXEC ? " ex" : "",
			   r.shared && !fixed ? " sh" : "", fixed ? "" : " mw",
			   r.shared ? " ms" : "", r.locked ? " lo" : "");
	}
	return 0;
}

int proc_show_smaps_rollup(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);
	uint64_t size = 0, dirty = 0, anon = 0, locked = 0;
	uaddr_t first = 0, last = 0;
	struct region_info r;

	if (!t || !t->mm)
		return -ESRCH;
	for (uaddr_t at = 0; mm_region_next(t->mm, at, &r); at = last = r.end) {
		if (!first)
			first = r.start;
		size += r.prot ? r.end - r.start : 0;
		dirty += region_dirty(&r);
		anon += r.file ? 0 : region_dirty(&r);
		locked += r.locked ? r.end - r.start : 0;
	}
	seq_printf(s, "%08lx-%08lx ---p 00000000 00:00 0 ", (unsigned long)first,
		   (unsigned long)last);
	seq_pad(s, 0, 73);
	seq_puts(s, "[rollup]\n");
	show_region_sizes(s, size, dirty, anon, locked);
	return 0;
}

int proc_show_statm(struct seq *s, const struct proc_node *n)
{
	struct task *t = proc_task(n);
	struct mm_stats ms = {0};

	if (t && t->mm)
		mm_stats_get(t->mm, &ms);
	seq_printf(s, "%lu %lu %lu %lu 0 %lu 0\n", (unsigned long)(ms.total / PAGE_SIZE),
		   (unsigned long)(proc_resident(t) / PAGE_SIZE),
		   (unsigned long)(ms.shared / PAGE_SIZE), (unsigned long)(ms.text / PAGE_SIZE),
		   (unsigned long)((ms.data + ms.stack) / PAGE_SIZE));
	return 0;
}

/* --- what exec pushed --- */

/* Append guest memory [from, to) of t's space, as far as it can be read. */
static void append_memory(struct seq *s, struct task *t, uaddr_t from, uaddr_t to)
{
	size_t len = to > from ? to - from : 0;
	char *room;

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	room = len ? seq_room(s, len) : NULL;
	if (room)
		s->len += machine->mem_read(t->thread, from, room, len);
}

static struct task *with_memory(const struct proc_node *n)
{
	struct task *t = proc_task(n);

	return t && t->mm && t->thread && t->state != TASK_DEAD ? t : NULL;
}

/* A program that writes a longer title over its arguments runs on into the environment: when the
 * last byte of the arguments is no NUL the text ends at the first one (proc(5)). */
int proc_show_cmdline(struct seq *s, const struct proc_node *n)
{
	struct task *t = with_memory(n);
	struct process *p = t ? t->proc : NULL;
	char *nul;

	if (!t)
		return 0;
	append_memory(s, t, p->arg_start, p->arg_end);
	if (!s->len || !s->buf[s->len - 1])
		return 0;
	if (p->env_start == p->arg_end)
		append_memory(s, t, p->env_start, p->env_end);
	nul = memchr(s->buf, '\0', s->len);
	if (nul)
		s->len = nul - s->buf + 1;
	return 0;
}

int proc_show_environ(struct seq *s, const struct proc_node *n)
{
	struct task *t = with_memory(n);

	if (t)
		append_memory(s, t, t->proc->env_start, t->proc->env_end);
	return 0;
}

int proc_show_auxv(struct seq *s, const struct proc_node *n)
{
	struct task *t = with_memory(n);

	if (t)
		append_memory(s, t, t->proc->auxv_start, t->proc->auxv_start + t->proc->auxv_len);
	return 0;
}

/* --- mem --- */

/* Rights were checked at open; the process may have changed since, so they are again. */
static ssize_t mem_transfer(struct file *f, struct uio *u, uint64_t *pos, bool write)
{
	static char chunk[16384]; /* no sleep between fill and drain */
	const struct proc_node *n = f->inode->priv;
	struct task *t = with_memory(n);
	ssize_t done = 0;
	int err = proc_access(n);

	if (err || !t || proc_memory_gone(f))
		return err;
	while (u->left) {
		size_t want = u->left < sizeof(chunk) ? u->left : sizeof(chunk);
		ssize_t got;

		if (write) {
			struct uio ahead = *u;

			got = uio_get(&ahead, chunk, want);
			if (got > 0)
				got = machine->mem_write(t->thread, *pos, chunk, got);
			if (got > 0)
				uio_advance(u, got);
		} else {
			got = machine->mem_read(t->thread, *pos, chunk, want);
			if (got > 0)
				got = uio_put(u, chunk, got);
		}
		if (got <= 0)
			return done ? done : got < 0 ? got : -EIO;
		done += got;
		*pos += got;
	}
	return done;
}

static ssize_t mem_read(struct file *f, struct uio *to, uint64_t *pos)
{
	return mem_transfer(f, to, pos, false);
}

static ssize_t mem_write(struct file *f, struct uio *from, uint64_t *pos)
{
	return mem_transfer(f, from, pos, true);
}

static int64_t mem_llseek(struct file *f, int64_t off, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	f->pos = whence == SEEK_SET ? (uint64_t)off : f->pos + off;
	return f->pos;
}

const struct file_ops proc_mem_fops = {
    .name = "mem",
    .read = mem_read,
    .write = mem_write,
    .llseek = mem_llseek,
};
