/*
 * proc.c - procfs: a file system made of tables.
 *
 * A directory is a table of rows and, for some, names that come and go (processes, descriptors).
 * An inode is one row together with the task that it speaks of.  Text is generated into a buffer
 * when a reader stands at its beginning, and stays as it was until the reader goes back there,
 * so that one pass over a file sees one state.
 *
 * Names are not cached: each walk asks anew, and a process that is gone is ENOENT at once.
 */
#include "fs/proc/proc.h"

#include "kern/cred.h"
#include "mm/mm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORE_MAX 4096

/* --- tasks --- */

struct process *proc_process(const struct proc_node *n)
{
	struct process *p = process_find(n->tid);
	struct task *t;

	if (p && (!p->leader || p->leader->start_ns == n->start_ns))
		return p;
	t = task_find(n->tid);
	return t && t->start_ns == n->start_ns ? t->proc : NULL;
}

int proc_dir_process(const struct file *f, struct process **out)
{
	const struct proc_node *n = f->inode->priv;

	if (f->inode->sb->type != &fs_proc || n->entry != &proc_pid_entry)
		return -EBADF;
	*out = proc_process(n);
	return *out ? 0 : -ESRCH;
}

struct task *proc_task(const struct proc_node *n)
{
	struct task *t = task_find(n->tid), *other;
	struct process *p;

	if (t && t->start_ns == n->start_ns && (t->state != TASK_DEAD || n->thread))
		return t;
	/* A leader that has exited leaves the others to speak for the process. */
	p = n->thread ? NULL : proc_process(n);
	if (!p)
		return NULL;
	list_for_each (other, &p->threads, in_process)
		if (other->state != TASK_DEAD)
			return other;
	return p->leader;
}

const char *proc_comm(const struct process *p, const struct task *t)
{
	if (t)
		return t->comm;
	return p->leader ? p->leader->comm : "init";
}

/* As ptrace_may_access(PTRACE_MODE_READ) of Linux: the same user on both sides, and a target
 * that has not gained privileges (ptrace(2), "Ptrace access mode checking"). */
int proc_access(const struct proc_node *n)
{
	struct task *t = proc_task(n);
	const struct cred *me = current->cred, *c;

	if (!t)
		return proc_process(n) ? -EACCES : -ESRCH;
	if (t->proc == current->proc)
		return 0;
	c = t->cred;
	if (cred_capable(me, CAP_SYS_PTRACE_BIT))
		return 0;
	if (!c || !t->proc->dumpable)
		return -EACCES;
	if (me->fsuid != c->uid || me->fsuid != c->euid || me->fsuid != c->suid)
		return -EACCES;
	if (me->fsgid != c->gid || me->fsgid != c->egid || me->fsgid != c->sgid)
		return -EACCES;
	return 0;
}

/* --- inodes --- */

static const struct inode_ops proc_dir_ops, proc_file_ops, proc_link_ops, proc_text_link_ops;
static const struct file_ops proc_dir_fops, proc_text_fops, proc_polled_fops;

/* The same row of the same task has the same number each time it is looked up. */
static uint64_t node_number(const struct proc_node *n)
{
	uint64_t parts[3] = {(uint64_t)(uintptr_t)n->entry, ((uint64_t)n->tid << 1) | n->thread,
			     n->key};
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < sizeof(parts); i++)
		h = (h ^ ((unsigned char *)parts)[i]) * 0x100000001b3ULL;
	return h & 0x7fffffff;
}

/* Files of a process belong to its effective user, or to root when it may not be dumped. */
static void inode_set_owner(struct inode *ino, const struct proc_node *n)
{
	struct task *t = n->tid ? proc_task(n) : NULL;

	ino->uid = ino->gid = 0;
	if (!t || !t->cred || (!t->proc->dumpable && !S_ISDIR(ino->mode)))
		return;
	ino->uid = t->cred->euid;
	ino->gid = t->cred->egid;
}

static int proc_inode(struct super *sb, const struct proc_node *node, struct inode **out)
{
	struct proc_node *n = malloc(sizeof(*n));
	struct inode *ino = n ? inode_create(sb, node->entry->mode) : NULL;

	if (!ino) {
		free(n);
		return -ENOMEM;
	}
	*n = *node;
	ino->priv = n;
	ino->ino = node_number(n);
	ino->nlink = 1;
	inode_set_owner(ino, n);
	if (S_ISDIR(ino->mode)) {
		ino->ops = &proc_dir_ops;
		ino->fops = &proc_dir_fops;
		ino->nlink = 2;
	} else if (S_ISLNK(ino->mode)) {
		ino->ops = n->entry->follow ? &proc_link_ops : &proc_text_link_ops;
		ino->size = n->tid && n->entry->follow ? 64 : 0;
	} else {
		ino->ops = &proc_file_ops;
		ino->fops = n->entry->fops     ? n->entry->fops
			    : n->entry->polled ? &proc_polled_fops
					       : &proc_text_fops;
	}
	*out = ino;
	return 0;
}

static void proc_evict(struct inode *ino)
{
	free(ino->priv);
}

static int proc_setattr(struct inode *ino, const struct iattr *attr)
{
	/* echo >/proc/self/comm truncates first. */
	return attr->valid & ~(ATTR_SIZE | ATTR_ATIME | ATTR_MTIME | ATTR_CTIME) ? -EPERM : 0;
}

static int proc_lookup(struct inode *dir, const char *name, struct inode **out)
{
	const struct proc_node *dn = dir->priv;
	const struct proc_dir *d = dn->entry->dir;
	struct proc_node n = {.tid = dn->tid, .thread = dn->thread, .start_ns = dn->start_ns};
	int err;

	if (n.tid && !proc_process(dn))
		return -ENOENT;
	for (size_t i = 0; i < d->count; i++) {
		if (strcmp(d->entries[i].name, name) == 0) {
			n.entry = &d->entries[i];
			return proc_inode(dir->sb, &n, out);
		}
	}
	err = d->lookup ? d->lookup(dn, name, &n) : -ENOENT;
	return err ? err : proc_inode(dir->sb, &n, out);
}

/* Link counts that programs count on: the number of subdirectories of task and of /proc. */
static int proc_getattr(struct inode *ino, struct kstat *out)
{
	const struct proc_node *n = ino->priv;
	struct process *p = n->tid ? proc_process(n) : NULL;

	*out = (struct kstat){
	    .dev = ino->sb->dev,
	    .ino = ino->ino,
	    .mode = ino->mode,
	    .nlink = ino->nlink,
	    .uid = ino->uid,
	    .gid = ino->gid,
	    .size = ino->size,
	    .blksize = 1024,
	    .atime = ino->atime,
	    .mtime = ino->mtime,
	    .ctime = ino->ctime,
	    .btime = ino->btime,
	};
	if (p && n->entry->dir == &proc_tasks_dir)
		out->nlink = 2 + p->nr_threads;
	return 0;
}

static ssize_t proc_readlink(struct inode *ino, char *buf, size_t size)
{
	const struct proc_node *n = ino->priv;
	int err = n->entry->guarded ? proc_access(n) : 0;

	return err ? err : n->entry->link(n, buf, size);
}

static int proc_follow(struct inode *ino, struct task *t, struct path *out)
{
	const struct proc_node *n = ino->priv;
	int err = n->entry->guarded ? proc_access(n) : 0;

	if (err)
		return err;
	return n->entry->follow(n, out);
}

/* --- directories --- */

#define DYNAMIC_BASE 4096 /* positions from here on are keys */

static unsigned entry_type(const struct proc_entry *e)
{
	return IFTODT(e->mode);
}

static int proc_readdir(struct file *f, struct dir_sink *s)
{
	const struct proc_node *dn = f->inode->priv;
	const struct proc_dir *d = dn->entry->dir;
	uint64_t key;
	char name[32];

	if (dn->tid && !proc_process(dn))
		return -ENOENT;
	for (; f->pos < 2 + d->count; f->pos++) {
		const struct proc_entry *e = f->pos < 2 ? NULL : &d->entries[f->pos - 2];
		struct proc_node n = {.entry = e, .tid = dn->tid, .thread = dn->thread};
		const char *text = e ? e->name : f->pos ? ".." : ".";

		if (!s->emit(s, text, strlen(text), e ? node_number(&n) : f->inode->ino,
			     e ? entry_type(e) : DT_DIR, f->pos + 1))
			return 0;
	}
	if (!d->next)
		return 0;
	key = f->pos < DYNAMIC_BASE ? 0 : f->pos - DYNAMIC_BASE;
	for (; d->next(dn, &key, name); key++) {
		if (!s->emit(s, name, strlen(name), key + 2, d->next_type, DYNAMIC_BASE + key + 1))
			break;
		f->pos = DYNAMIC_BASE + key + 1;
	}
	return 0;
}

/* --- text files: f->priv is their struct seq --- */

static int text_generate(struct file *f)
{
	const struct proc_node *n = f->inode->priv;
	struct seq *s = f->priv;
	int err;

	if (n->tid && !proc_process(n))
		return -ESRCH;
	s->len = 0;
	s->failed = false;
	err = n->entry->show(s, n);
	return err ? err : s->failed ? -ENOMEM : 0;
}

/* Files about an address space belong to the one that was there when they were opened (Linux's
 * proc_mem_open): after an exec there is nothing in them. */
static uint64_t memory_id(const struct proc_node *n)
{
	const struct task *t = proc_task(n);

	return t && t->mm ? mm_id(t->mm) : 0;
}

bool proc_memory_gone(const struct file *f)
{
	return f->dir_cookie != memory_id(f->inode->priv);
}

static ssize_t text_read(struct file *f, struct uio *to, uint64_t *pos)
{
	const struct proc_node *n = f->inode->priv;
	struct seq *s = f->priv;
	ssize_t done;

	if (!n->entry->show)
		return -EINVAL;
	if (n->entry->memory && proc_memory_gone(f))
		return 0;
	if (*pos == 0 || !s->buf) {
		int err = text_generate(f);

		if (err)
			return err;
	}
	if (*pos >= s->len)
		return 0;
	done = uio_put(to, s->buf + *pos, s->len - *pos);
	if (done > 0)
		*pos += done;
	return done;
}

static ssize_t text_write(struct file *f, struct uio *from, uint64_t *pos)
{
	const struct proc_node *n = f->inode->priv;
	size_t len = from->left < STORE_MAX ? from->left : STORE_MAX;
	ssize_t done;
	char *text;

	if (!n->entry->store)
		return -EIO;
	if (n->tid && !proc_process(n))
		return -ESRCH;
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	done = uio_get(from, text, len);
	if (done >= 0) {
		text[done] = '\0';
		done = n->entry->store(n, text, done);
	}
	free(text);
	if (done > 0)
		*pos += done;
	return done;
}

static int64_t text_llseek(struct file *f, int64_t off, int whence)
{
	int64_t at = whence == SEEK_SET ? off : whence == SEEK_CUR ? (int64_t)f->pos + off : -1;

	if (at < 0)
		return -EINVAL;
	f->pos = at;
	return at;
}

static void text_release(struct file *f)
{
	struct seq *s = f->priv;

	if (s)
		seq_free(s);
	free(s);
}

static int proc_file_open(struct inode *ino, struct file *f)
{
	const struct proc_node *n = ino->priv;
	int err = n->entry->guarded ? proc_access(n) : 0;

	if (err)
		return err;
	f->ops = ino->fops;
	if (n->entry->memory)
		f->dir_cookie = memory_id(n);
	if (n->entry->fops)
		return 0;
	f->priv = calloc(1, sizeof(struct seq));
	return f->priv ? 0 : -ENOMEM;
}

static int proc_dir_open(struct inode *ino, struct file *f)
{
	f->ops = ino->fops;
	return 0;
}

static const struct file_ops proc_text_fops = {
    .name = "proc",
    .read = text_read,
    .write = text_write,
    .llseek = text_llseek,
    .release = text_release,
};
/* Mount tables: nothing is mounted or unmounted once the box runs, so no change is ever told. */
static uint32_t text_poll(struct file *f, struct poll_table *pt)
{
	return 0x001 | 0x040; /* IN RDNORM */
}

static const struct file_ops proc_polled_fops = {
    .name = "proc",
    .read = text_read,
    .write = text_write,
    .llseek = text_llseek,
    .poll = text_poll,
    .release = text_release,
};
static const struct file_ops proc_dir_fops = {
    .name = "proc directory",
    .readdir = proc_readdir,
    .llseek = file_llseek_generic,
};
/* A directory of a process that is gone can still be held. */
static int proc_dir_permission(struct inode *ino, const struct cred *c, int mask)
{
	const struct proc_node *n = ino->priv;

	if (n->tid && !proc_process(n))
		return -ESRCH;
	return inode_permission_generic(ino, c, mask);
}

static const struct inode_ops proc_dir_ops = {
    .permission = proc_dir_permission,
    .lookup = proc_lookup,
    .getattr = proc_getattr,
    .setattr = proc_setattr,
    .open = proc_dir_open,
    .evict = proc_evict,
};
static const struct inode_ops proc_file_ops = {
    .getattr = proc_getattr,
    .setattr = proc_setattr,
    .open = proc_file_open,
    .evict = proc_evict,
};
/* Text links are walked by their text. */
static const struct inode_ops proc_text_link_ops = {
    .getattr = proc_getattr,
    .setattr = proc_setattr,
    .readlink = proc_readlink,
    .evict = proc_evict,
};
static const struct inode_ops proc_link_ops = {
    .getattr = proc_getattr,
    .setattr = proc_setattr,
    .readlink = proc_readlink,
    .follow = proc_follow,
    .evict = proc_evict,
};

/* --- the file system --- */

static int proc_mount(const char *source, const char *options, struct super **out)
{
	static const struct proc_entry root = {"", S_IFDIR | 0555, .dir = &proc_root_dir};
	static const struct proc_node node = {.entry = &root};
	struct super *sb = super_create(&fs_proc, NULL);
	int err;

	if (!sb)
		return -ENOMEM;
	err = proc_inode(sb, &node, &sb->root);
	if (err) {
		super_put(sb);
		return err;
	}
	sb->root->ino = 1;
	*out = sb;
	return 0;
}

static int proc_statfs(struct super *sb, struct abi_statfs *out)
{
	out->type = fs_proc.magic;
	out->bsize = out->frsize = 4096;
	out->namelen = 255;
	return 0;
}

const struct fs_type fs_proc = {
    .name = "proc",
    .magic = 0x9fa0,
    .mount = proc_mount,
    .statfs = proc_statfs,
    .uncached = true,
};
