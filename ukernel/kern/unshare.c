/*
 * unshare.c - unshare(2): a task stops sharing parts of itself with others.
 *
 * Descriptors and the file-system view can be had apart; the memory, dispositions and thread group
 * of a thread cannot, as in Linux.  Namespaces are refused as to a user who may not make any.
 */
#include "fs/file.h"
#include "fs/inode.h"
#include "ipc/ipc.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "syscall.h"

#include <errno.h>
#include <sched.h>

#define CLONE_NEWTIME_BIT 0x80UL
#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME_BIT)
#define ALONE_ONLY (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)

long sys_unshare(struct task *t, unsigned long flags)
{
	struct fs_context *fs = NULL;
	struct fdtable *files = NULL;

	if (flags & ~(NAMESPACES | ALONE_ONLY | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM))
		return -EINVAL;
	/* A new user namespace means a thread group and a view of one's own. */
	if (flags & CLONE_NEWUSER)
		flags |= CLONE_THREAD | CLONE_FS;
	if ((flags & ALONE_ONLY) && t->proc->nr_threads > 1)
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && t->sighand->refs > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && mm_shared(t->mm))
		return -EINVAL;
	if (flags & NAMESPACES)
		return -EPERM;
	if (flags & CLONE_SYSVSEM)
		sem_undo_leave(t);

	if ((flags & CLONE_FS) && t->fs->refs > 1) {
		fs = fs_context_copy(t->fs);
		if (!fs)
			return -ENOMEM;
	}
	if ((flags & CLONE_FILES) && fdtable_refs(t->files) > 1) {
		files = fdtable_copy(t->files);
		if (!files) {
			if (fs)
				fs_context_put(fs);
			return -ENOMEM;
		}
	}
	if (fs) {
		fs_context_put(t->fs);
		t->fs = fs;
	}
	if (files) {
		struct fdtable *old = t->files;

		t->files = files;
		fdtable_put(old, t);
	}
	return 0;
}
