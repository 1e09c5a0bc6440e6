/*
 * mounts.c - /proc/PID/{mounts,mountinfo}.
 */
#include "fs/proc/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#define SPECIAL " \t\n\\#"

/* Where mnt is mounted, as t's root shows it; false: out of its sight. */
static bool mount_place(const struct mount *mnt, const struct task *t, char *buf, size_t size)
{
	struct path p = {.mnt = (struct mount *)mnt, .dentry = mnt->root};

	return path_name(&p, &t->fs->root, buf, size, false) >= 0;
}

static const char *mount_options(const struct mount *mnt)
{
	return mnt->read_only || mnt->sb->read_only ? "ro,relatime" : "rw,relatime";
}

static int show_all(struct seq *s, const struct proc_node *n,
		    void (*line)(struct seq *s, const struct mount *mnt, const char *place))
{
	struct task *t = proc_task(n);
	struct mount *mnt;
	char *place;

	if (proc_process(n)->is_init)
		t = current; /* it has no view of its own */
	if (!t || !t->fs)
		return -EINVAL;
	place = malloc(4096);
	if (!place)
		return -ENOMEM;
	list_for_each (mnt, &mount_list, all)
		if (mount_place(mnt, t, place, 4096))
			line(s, mnt, place);
	free(place);
	return 0;
}

static void mounts_line(struct seq *s, const struct mount *mnt, const char *place)
{
	seq_escape(s, mnt->source, SPECIAL);
	seq_puts(s, " ");
	seq_escape(s, place, SPECIAL);
	seq_printf(s, " %s %s 0 0\n", mnt->sb->type->name, mount_options(mnt));
}

static void mountinfo_line(struct seq *s, const struct mount *mnt, const char *place)
{
	seq_printf(s, "%d %d %u:%u / ", mnt->id, mnt->parent ? mnt->parent->id : 1,
		   major(mnt->sb->dev), minor(mnt->sb->dev));
	seq_escape(s, place, SPECIAL);
	seq_printf(s, " %s - %s ", mount_options(mnt), mnt->sb->type->name);
	seq_escape(s, mnt->source, SPECIAL);
	seq_printf(s, " %s\n", mnt->sb->read_only ? "ro" : "rw");
}

int proc_show_mounts(struct seq *s, const struct proc_node *n)
{
	return show_all(s, n, mounts_line);
}

int proc_show_mountinfo(struct seq *s, const struct proc_node *n)
{
	return show_all(s, n, mountinfo_line);
}
