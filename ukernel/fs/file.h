/*
 * file.h - open files and descriptor tables.
 */
#ifndef FS_FILE_H
#define FS_FILE_H

#include "abi.h"
#include "fs/inode.h"
#include "kern/waitq.h"
#include "mm/uaccess.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task;
struct file;
struct poll_table;

/* Receives one directory entry; returns false when the buffer is full (the entry was not taken). */
struct dir_sink {
	bool (*emit)(struct dir_sink *s, const char *name, size_t len, uint64_t ino, unsigned type,
		     uint64_t next_pos); /* type: DT_*; next_pos: lseek cookie after this entry */
};

/*
 * What a kind of open file can do.  A NULL op has one documented meaning, given in brackets.
 * Ops may sleep unless said otherwise.  They get the file borrowed: the caller holds a reference.
 */
struct file_ops {
	const char *name; /* for /proc/PID/fd and --log */

	/* Transfer from *pos on (NULL pos: a stream); advance *pos.  Bytes moved, 0 at the end, or
	 * -errno.  [-EINVAL] */
	ssize_t (*read)(struct file *f, struct uio *to, uint64_t *pos);
	ssize_t (*write)(struct file *f, struct uio *from, uint64_t *pos);
	/* lseek.  [a stream: -ESPIPE] ; use file_llseek_generic for files with a size. */
	int64_t (*llseek)(struct file *f, int64_t off, int whence);
	/* From f->pos on; sets f->pos.  [-ENOTDIR] */
	int (*readdir)(struct file *f, struct dir_sink *s);
	/* The EPOLL* events that hold now; registers with pt if not NULL (poll_wait).  Must not
	 * sleep.  [always readable and writable] */
	uint32_t (*poll)(struct file *f, struct poll_table *pt);
	/* [-ENOTTY] */
	long (*ioctl)(struct file *f, struct task *t, unsigned cmd, uaddr_t arg);
	/* [-EINVAL] */
	int (*fsync)(struct file *f, bool data_only);
	/* [-EOPNOTSUPP, or -ESPIPE for a stream] */
	int (*fallocate)(struct file *f, int mode, uint64_t off, uint64_t len);
	/* A host descriptor to map (borrowed; *off may be shifted), or *host_fd = -1 for fresh
	 * anonymous memory (/dev/zero).  May refuse prot/shared.  [-ENODEV] */
	int (*mmap)(struct file *f, int prot, bool shared, int *host_fd, uint64_t *off);
	/* A region of memory has begun to show the file (begin), or has ceased to, which is each
	 * part of one that was split, and each copy that fork makes.  What was a region before does
	 * not merge with another.  Must not sleep.  [nothing] */
	void (*mapped)(struct file *f, bool begin);
	/* F_SETFL is about to change flags (O_APPEND, O_NONBLOCK, ...).  [fine] */
	int (*set_flags)(struct file *f, int flags);
	/* Each close(2) of a descriptor, before the last reference goes.  [nothing] */
	void (*flush)(struct file *f, struct task *t);
	/* The last reference went: free f->priv.  Must not sleep.  [nothing] */
	void (*release)(struct file *f);
	/* Text for /proc/PID/fdinfo beyond pos, flags, mnt_id; appends to buf. [nothing] */
	int (*show_fdinfo)(struct file *f, char *buf, size_t size);
};

struct file {
	int refs;
	const struct file_ops *ops;
	int flags; /* O_ACCMODE and the status flags, as F_GETFL shows */
	uint64_t pos;
	struct path path;		 /* counted; anonymous files have a dentry of their own */
	struct inode *inode;		 /* counted; == path.dentry->inode */
	void *priv;			 /* the ops' own */
	int host_fd;			 /* for ops on host files; -1 */
	bool counts_write, denies_write; /* in inode->write_count: ETXTBSY */
	bool stream;			 /* no position: pipes, sockets, ttys */
	bool counts_read;		 /* in inode->read_count */
	bool at_end;			 /* the latest read() took the last byte */
	bool created;			 /* this open made the file (F_CREATED_QUERY) */
	uint64_t dir_cookie;		 /* readdir private */
	int owner_type, owner_pid, owner_sig; /* F_SETOWN_EX, F_SETSIG */
	uid_t owner_uid, owner_euid;	      /* of who said so */
	struct fasync *async;		      /* fasync.c; NULL when O_ASYNC is off */
	struct list_head epoll_links;	      /* struct epoll_item: removed when the file goes */
};

/* A new file with one reference.  Takes references on path and inode of its own.  NULL: no memory.
 */
struct file *file_alloc(const struct file_ops *ops, const struct path *path, int flags);
/* A file without a place in the tree ("anon_inode:[eventfd]"); takes over priv on success. */
struct file *file_anon(const struct file_ops *ops, const char *label, mode_t mode, int flags,
		       void *priv);
struct file *file_get(struct file *f);
/* f's inode is a running program from now on, as long as f lives: -ETXTBSY if it is being written.
 */
int file_deny_write(struct file *f);
void file_allow_write(struct file *f);
void file_put(struct file *f); /* NULL is fine */

/* Read/write with the checks of read(2)/pread(2): mode, directory, position, RLIMIT_FSIZE.
 * pos NULL: use and move f->pos. May sleep. */
ssize_t file_read(struct file *f, struct uio *to, uint64_t *pos);
ssize_t file_write(struct file *f, struct uio *from, uint64_t *pos);
/* Into kernel memory, all of it or up to end of file (for the ELF loader, scripts). */
ssize_t file_read_kernel(struct file *f, void *buf, size_t len, uint64_t pos);
uint32_t file_poll(struct file *f, struct poll_table *pt);
int64_t file_llseek_generic(struct file *f, int64_t off, int whence);
/* For anonymous files (eventfd and the like), which have no position but take the call. */
int64_t file_llseek_noop(struct file *f, int64_t off, int whence);

static inline bool file_nonblock(const struct file *f)
{
	return (f->flags & 04000) != 0; /* O_NONBLOCK */
}

/* --- poll: who wants to hear from this file --- */
struct poll_table {
	/* Called by poll ops for every queue they may be woken from. */
	void (*wait)(struct poll_table *pt, struct file *f, struct waitq *q);
	uint32_t wanted;
};
static inline void poll_wait(struct poll_table *pt, struct file *f, struct waitq *q)
{
	if (pt)
		pt->wait(pt, f, q);
}

/* --- descriptor tables (fdtable.c) --- */
struct fdtable;
struct fdtable *fdtable_create(void);		    /* NULL: no memory */
struct fdtable *fdtable_copy(struct fdtable *from); /* fork: NULL: no memory */
struct fdtable *fdtable_get(struct fdtable *ft);
void fdtable_put(struct fdtable *ft, struct task *t); /* the last one closes all */
void fdtable_close_on_exec(struct fdtable *ft, struct task *t);
int fdtable_refs(const struct fdtable *ft);

/* Borrow: counted, the caller puts it.  NULL: bad descriptor (or O_PATH, for fd_get). */
struct file *fd_get(struct task *t, int fd);
struct file *fd_get_path(struct task *t, int fd); /* O_PATH files too */
/* The lowest free number >= min; takes over the reference to f on success only.
 * -EMFILE (RLIMIT_NOFILE), -ENOMEM. */
int fd_install(struct task *t, struct file *f, int min, bool cloexec);
/* Reserve / fill / give up, for calls that must know the number before they succeed. */
int fd_reserve(struct task *t, int min, bool cloexec);
void fd_fill(struct task *t, int fd, struct file *f); /* takes over the reference */
void fd_unreserve(struct task *t, int fd);
/* dup2: closes what was there. Takes over the reference on success. */
int fd_replace(struct task *t, int fd, struct file *f, bool cloexec);
int fd_close(struct task *t, int fd);
bool fd_cloexec(struct task *t, int fd);
int fd_set_cloexec(struct task *t, int fd, bool on);
/* The next open descriptor >= fd, or -1 (for proc). */
int fd_next(struct fdtable *ft, int fd);
struct file *fdtable_file(struct fdtable *ft, int fd); /* borrowed without a count */

/* flock, fcntl locks (lock.c) */
void locks_release_posix(struct file *f, struct task *t); /* at each close */
void locks_release_file(struct file *f);		  /* at the last close */
#endif
