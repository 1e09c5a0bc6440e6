/*
 * stdtty.c - the host's terminal as the guest sees it.
 *
 * Settings and window size are the host terminal's own and are passed on; who is in the
 * foreground is kept here, because the host knows nothing of guest process groups.  What could
 * reach beyond the terminal (TIOCSTI pushes input to the shell that started us) is refused.
 */
#include "fs/hoststream.h"
#include "fs/stdfile.h"
#include "kern/task.h"
#include "lib/host.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The one terminal there is.  Job control proper is to grow from here. */
struct tty {
	int fd; /* borrowed from the standard file's inode; -1: none */
	pid_t sid, foreground;
	bool changed; /* saved holds what to put back */
	struct termios2 saved;
};
static struct tty host_tty = {.fd = -1};

static void restore_at_exit(void)
{
	stdfiles_restore();
}

void stdfiles_restore(void)
{
	sigset_t block, old;

	if (!host_tty.changed)
		return;
	/* From the background this would stop us instead. */
	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	sigprocmask(SIG_BLOCK, &block, &old);
	ioctl(host_tty.fd, TCSETS2, &host_tty.saved);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

pid_t stdfiles_foreground(void)
{
	return host_tty.fd >= 0 ? host_tty.foreground : 0;
}

void hosttty_adopt(struct task *t, int fd)
{
	static bool registered;

	if (host_tty.fd >= 0)
		return;
	/* Outlives the guest's descriptors: settings are put back at the end. */
	host_tty.fd = host_call(fcntl(fd, F_DUPFD_CLOEXEC, 64));
	if (host_tty.fd < 0)
		return;
	host_tty.sid = t->proc->sid;
	host_tty.foreground = t->proc->pgid;
	t->proc->ctty = &host_tty;
	if (!registered)
		atexit(restore_at_exit);
	registered = true;
}

uint64_t hosttty_read_deadline(int fd)
{
	struct termios2 tio;

	if (ioctl(fd, TCGETS2, &tio) < 0 || (tio.c_lflag & ICANON) || tio.c_cc[VMIN])
		return WAIT_FOREVER;
	if (!tio.c_cc[VTIME])
		return 0;
	return time_now_ns() + tio.c_cc[VTIME] * 100000000ULL;
}

/* --- ioctls --- */

/* Pass a call with a structure of size bytes on. */
static long ioctl_get(int fd, struct task *t, unsigned cmd, uaddr_t arg, size_t size)
{
	char buf[64] = {0};
	int err = host_call(ioctl(fd, cmd, buf));

	return err < 0 ? err : copy_to_user(t, arg, buf, size);
}

static long ioctl_set(int fd, struct task *t, unsigned cmd, uaddr_t arg, size_t size)
{
	char buf[64] = {0};
	int err = copy_from_user(t, buf, arg, size);

	return err ? err : host_call(ioctl(fd, cmd, buf));
}

static long termios_set(int fd, struct task *t, unsigned cmd, uaddr_t arg, size_t size)
{
	if (!host_tty.changed && ioctl(host_tty.fd, TCGETS2, &host_tty.saved) == 0)
		host_tty.changed = true;
	return ioctl_set(fd, t, cmd, arg, size);
}

static long foreground_get(struct task *t, uaddr_t arg)
{
	int32_t pgid = host_tty.foreground;

	if (t->proc->ctty != &host_tty)
		return -ENOTTY;
	return put_user(t, pgid, arg);
}

static bool group_in_session(pid_t pgid, pid_t sid, bool *exists)
{
	struct process *p;

	*exists = false;
	list_for_each (p, &process_list, all) {
		if (p->pgid != pgid)
			continue;
		*exists = true;
		if (p->sid == sid)
			return true;
	}
	return false;
}

static long foreground_set(struct task *t, uaddr_t arg)
{
	int32_t pgid;
	bool exists;

	if (get_user(t, pgid, arg))
		return -EFAULT;
	if (t->proc->ctty != &host_tty || t->proc->sid != host_tty.sid)
		return -ENOTTY;
	if (pgid < 0)
		return -EINVAL;
	if (!group_in_session(pgid, host_tty.sid, &exists))
		return exists ? -EPERM : -ESRCH;
	host_tty.foreground = pgid;
	return 0;
}

static long session_get(struct task *t, uaddr_t arg)
{
	int32_t sid = host_tty.sid;

	return t->proc->ctty == &host_tty ? put_user(t, sid, arg) : -ENOTTY;
}

static long session_take(struct task *t)
{
	struct process *p = t->proc;

	if (p->ctty == &host_tty && host_tty.sid == p->sid)
		return 0;
	if (p->sid != p->pid || p->ctty)
		return -EPERM;
	/* Another session's terminal is not stolen, unless that session has ended. */
	if (host_tty.sid && process_find(host_tty.sid))
		return -EPERM;
	host_tty.sid = p->sid;
	host_tty.foreground = p->pgid;
	p->ctty = &host_tty;
	return 0;
}

static long session_leave(struct task *t)
{
	if (t->proc->ctty != &host_tty)
		return -ENOTTY;
	if (t->proc->sid == t->proc->pid)
		host_tty.sid = host_tty.foreground = 0;
	t->proc->ctty = NULL;
	return 0;
}

static long tty_ioctl(struct file *f, struct task *t, unsigned cmd, uaddr_t arg)
{
	struct hoststream *s = f->priv;

	switch (cmd) {
	case TCGETS:
		return ioctl_get(s->fd, t, cmd, arg, sizeof(struct termios));
	case TCGETS2:
		return ioctl_get(s->fd, t, cmd, arg, sizeof(struct termios2));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return termios_set(s->fd, t, cmd, arg, sizeof(struct termios));
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return termios_set(s->fd, t, cmd, arg, sizeof(struct termios2));
	case TCGETA:
		return ioctl_get(s->fd, t, cmd, arg, sizeof(struct termio));
	case TIOCGWINSZ:
		return ioctl_get(s->fd, t, cmd, arg, sizeof(struct winsize));
	case TIOCSWINSZ:
		return ioctl_set(s->fd, t, cmd, arg, sizeof(struct winsize));
	case FIONREAD:
	case TIOCOUTQ:
	case TIOCGETD:
		return ioctl_get(s->fd, t, cmd, arg, sizeof(int));
	case TCFLSH:
	case TCXONC:
		return host_call(ioctl(s->fd, cmd, (int)arg));
	case TCSBRK: /* tcdrain: the host drains as we write */
	case TCSBRKP:
		return 0;
	case TIOCGPGRP:
		return foreground_get(t, arg);
	case TIOCSPGRP:
		return foreground_set(t, arg);
	case TIOCGSID:
		return session_get(t, arg);
	case TIOCSCTTY:
		return session_take(t);
	case TIOCNOTTY:
		return session_leave(t);
	case TIOCSTI:
		return -EIO;
	}
	return -ENOTTY;
}

int stdfiles_open_tty(struct task *t, struct file *f)
{
	struct hoststream *s;
	int err;

	if (!t->proc->ctty || host_tty.fd < 0)
		return -ENXIO;
	err = hoststream_open(host_tty.fd, f->flags & O_ACCMODE, &s);
	if (err)
		return err;
	f->priv = s;
	f->stream = true;
	f->ops = &hosttty_ops;
	return 0;
}

const struct file_ops hosttty_ops = {
    .name = "tty",
    .read = hoststream_read,
    .write = hoststream_write,
    .poll = hoststream_poll,
    .ioctl = tty_ioctl,
    .set_flags = hoststream_set_flags,
    .release = hoststream_release,
};
