/*
 * ids.c - the calls that read and change user and group identifiers, groups and capabilities
 * (credentials(7), capabilities(7)).
 *
 * Credentials belong to a thread; the C library makes a process's threads agree.  A change is made
 * on a copy that replaces the old one whole, so nobody ever sees half of it.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_ID ((uid_t)-1) /* as an argument: leave it as it is */

#define SECBIT_NO_SETUID_FIXUP (1u << 2)
#define SECBIT_KEEP_CAPS       (1u << 4)

/* What a file system user identifier of 0 is worth: CHOWN to FSETID, LINUX_IMMUTABLE, MKNOD,
 * MAC_OVERRIDE. */
#define CAPS_OF_FSUID (0x1fULL | 1ULL << 9 | 1ULL << CAP_MKNOD_BIT | 1ULL << 32)

static void cred_publish(struct task *t, struct cred *new)
{
	const struct cred *old = t->cred;

	/* Who changes what he may do is no longer watched by his parent, nor dumped (prctl(2)). */
	if (old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
	    old->fsgid != new->fsgid || (new->cap_permitted & ~old->cap_permitted)) {
		t->proc->dumpable = false;
		t->pdeath_signal = 0;
	}
	t->cred = new;
	task_unpublish(t);
	cred_put(old);
}

/* capabilities(7), "Effect of user ID changes on capabilities". */
static void caps_after_setuid(struct cred *new, const struct cred *old)
{
	bool was_root = old->uid == 0 || old->euid == 0 || old->suid == 0;
	bool is_root = new->uid == 0 || new->euid == 0 || new->suid == 0;

	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(new->securebits &SECBIT_KEEP_CAPS))
			new->cap_permitted = new->cap_effective = 0;
		new->cap_ambient = 0;
	}
	if (old->euid == 0 && new->euid != 0)
		new->cap_effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->cap_effective = new->cap_permitted;
}

static long publish_uids(struct task *t, struct cred *new)
{
	caps_after_setuid(new, t->cred);
	cred_publish(t, new);
	return 0;
}

long sys_getuid(struct task *t)
{
	return task_publish(t, PUBLISHED_UID, t->cred->uid);
}

long sys_geteuid(struct task *t)
{
	return task_publish(t, PUBLISHED_EUID, t->cred->euid);
}

long sys_getgid(struct task *t)
{
	return task_publish(t, PUBLISHED_GID, t->cred->gid);
}

long sys_getegid(struct task *t)
{
	return task_publish(t, PUBLISHED_EGID, t->cred->egid);
}

long sys_getresuid(struct task *t, uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct cred *c = t->cred;

	if (put_user(t, c->uid, ruid) || put_user(t, c->euid, euid) || put_user(t, c->suid, suid))
		return -EFAULT;
	return 0;
}

long sys_getresgid(struct task *t, uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct cred *c = t->cred;

	if (put_user(t, c->gid, rgid) || put_user(t, c->egid, egid) || put_user(t, c->sgid, sgid))
		return -EFAULT;
	return 0;
}

long sys_setuid(struct task *t, unsigned uid)
{
	const struct cred *old = t->cred;
	bool privileged = cred_capable(old, CAP_SETUID_BIT);

	if (uid == KEEP_ID)
		return -EINVAL;
	if (!privileged && uid != old->uid && uid != old->suid)
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	if (privileged)
		new->uid = new->suid = uid;
	new->euid = new->fsuid = uid;
	return publish_uids(t, new);
}

long sys_setgid(struct task *t, unsigned gid)
{
	const struct cred *old = t->cred;
	bool privileged = cred_capable(old, CAP_SETGID_BIT);

	if (gid == KEEP_ID)
		return -EINVAL;
	if (!privileged && gid != old->gid && gid != old->sgid)
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	if (privileged)
		new->gid = new->sgid = gid;
	new->egid = new->fsgid = gid;
	cred_publish(t, new);
	return 0;
}

long sys_setreuid(struct task *t, unsigned ruid, unsigned euid)
{
	const struct cred *old = t->cred;
	bool privileged = cred_capable(old, CAP_SETUID_BIT);

	if (ruid != KEEP_ID && !privileged && ruid != old->uid && ruid != old->euid)
		return -EPERM;
	if (euid != KEEP_ID && !privileged && euid != old->uid && euid != old->euid &&
	    euid != old->suid)
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	if (ruid != KEEP_ID)
		new->uid = ruid;
	if (euid != KEEP_ID)
		new->euid = euid;
	if (ruid != KEEP_ID || (euid != KEEP_ID && euid != old->uid))
		new->suid = new->euid;
	new->fsuid = new->euid;
	return publish_uids(t, new);
}

long sys_setregid(struct task *t, unsigned rgid, unsigned egid)
{
	const struct cred *old = t->cred;
	bool privileged = cred_capable(old, CAP_SETGID_BIT);

	if (rgid != KEEP_ID && !privileged && rgid != old->gid && rgid != old->egid)
		return -EPERM;
	if (egid != KEEP_ID && !privileged && egid != old->gid && egid != old->egid &&
	    egid != old->sgid)
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	if (rgid != KEEP_ID)
		new->gid = rgid;
	if (egid != KEEP_ID)
		new->egid = egid;
	if (rgid != KEEP_ID || (egid != KEEP_ID && egid != old->gid))
		new->sgid = new->egid;
	new->fsgid = new->egid;
	cred_publish(t, new);
	return 0;
}

static bool uid_is_own(const struct cred *c, uid_t uid)
{
	return uid == KEEP_ID || uid == c->uid || uid == c->euid || uid == c->suid;
}

static bool gid_is_own(const struct cred *c, gid_t gid)
{
	return gid == KEEP_ID || gid == c->gid || gid == c->egid || gid == c->sgid;
}

long sys_setresuid(struct task *t, unsigned ruid, unsigned euid, unsigned suid)
{
	const struct cred *old = t->cred;

	if (!cred_capable(old, CAP_SETUID_BIT) &&
	    !(uid_is_own(old, ruid) && uid_is_own(old, euid) && uid_is_own(old, suid)))
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	if (ruid != KEEP_ID)
		new->uid = ruid;
	if (euid != KEEP_ID)
		new->euid = euid;
	if (suid != KEEP_ID)
		new->suid = suid;
	new->fsuid = new->euid;
	return publish_uids(t, new);
}

long sys_setresgid(struct task *t, unsigned rgid, unsigned egid, unsigned sgid)
{
	const struct cred *old = t->cred;

	if (!cred_capable(old, CAP_SETGID_BIT) &&
	    !(gid_is_own(old, rgid) && gid_is_own(old, egid) && gid_is_own(old, sgid)))
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	if (rgid != KEEP_ID)
		new->gid = rgid;
	if (egid != KEEP_ID)
		new->egid = egid;
	if (sgid != KEEP_ID)
		new->sgid = sgid;
	new->fsgid = new->egid;
	cred_publish(t, new);
	return 0;
}

/* setfsuid(2): the previous value, whether it worked or not. */
long sys_setfsuid(struct task *t, unsigned uid)
{
	const struct cred *old = t->cred;
	long previous = old->fsuid;
	bool allowed =
	    cred_capable(old, CAP_SETUID_BIT) || uid_is_own(old, uid) || uid == old->fsuid;

	if (uid == KEEP_ID || !allowed || uid == old->fsuid)
		return previous;
	struct cred *new = cred_copy(old);
	if (!new)
		return previous;
	new->fsuid = uid;
	if (!(new->securebits &SECBIT_NO_SETUID_FIXUP)) {
		if (old->fsuid == 0)
			new->cap_effective &= ~CAPS_OF_FSUID;
		else if (uid == 0)
			new->cap_effective |= new->cap_permitted &CAPS_OF_FSUID;
	}
	cred_publish(t, new);
	return previous;
}

long sys_setfsgid(struct task *t, unsigned gid)
{
	const struct cred *old = t->cred;
	long previous = old->fsgid;
	bool allowed =
	    cred_capable(old, CAP_SETGID_BIT) || gid_is_own(old, gid) || gid == old->fsgid;

	if (gid == KEEP_ID || !allowed || gid == old->fsgid)
		return previous;
	struct cred *new = cred_copy(old);
	if (!new)
		return previous;
	new->fsgid = gid;
	cred_publish(t, new);
	return previous;
}

long sys_getgroups(struct task *t, int size, uaddr_t list)
{
	const struct cred *c = t->cred;

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return c->ngroups;
	if (size < c->ngroups)
		return -EINVAL;
	if (copy_to_user(t, list, c->groups, (size_t)c->ngroups * sizeof(gid_t)))
		return -EFAULT;
	return c->ngroups;
}

static int gid_compare(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return (x > y) - (x < y);
}

long sys_setgroups(struct task *t, int size, uaddr_t list)
{
	const struct cred *old = t->cred;

	if (!cred_capable(old, CAP_SETGID_BIT))
		return -EPERM;
	if (size < 0 || size > NGROUPS_LIMIT)
		return -EINVAL;
	struct cred *new = cred_alloc(size);
	if (!new)
		return -ENOMEM;
	memcpy(new, old, offsetof(struct cred, groups));
	new->refs = 1;
	new->ngroups = size;
	if (copy_from_user(t, new->groups, list, (size_t)size * sizeof(gid_t))) {
		cred_put(new);
		return -EFAULT;
	}
	for (int i = 0; i < size; i++)
		if (new->groups[i] == KEEP_ID) {
			cred_put(new);
			return -EINVAL;
		}
	qsort(new->groups, (size_t)size, sizeof(gid_t), gid_compare);
	cred_publish(t, new);
	return 0;
}

/* --- capget(2), capset(2) --- */
#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct cap_header {
	uint32_t version;
	int32_t pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};

/* How many struct cap_data that version has, or -EINVAL after telling which we prefer. */
static int cap_words(struct task *t, uaddr_t header, struct cap_header *h)
{
	uint32_t preferred = CAP_VERSION_3;

	if (get_user(t, *h, header))
		return -EFAULT;
	if (h->version == CAP_VERSION_1)
		return 1;
	if (h->version == CAP_VERSION_2 || h->version == CAP_VERSION_3)
		return 2;
	if (put_user(t, preferred, header))
		return -EFAULT;
	return -EINVAL;
}

long sys_capget(struct task *t, uaddr_t header, uaddr_t data)
{
	struct cap_header h;
	int words = cap_words(t, header, &h);

	/* Asking with no room for the answer is how one learns the version. */
	if (words == -EINVAL && !data)
		return 0;
	if (words < 0 || !data)
		return words < 0 ? words : 0;
	if (h.pid < 0)
		return -EINVAL;
	const struct task *of = h.pid ? task_find(h.pid) : t;
	if (!of)
		return -ESRCH;
	const struct cred *c = of->cred;
	struct cap_data d[2] = {
	    {(uint32_t)c->cap_effective, (uint32_t)c->cap_permitted, (uint32_t)c->cap_inheritable},
	    {(uint32_t)(c->cap_effective >> 32), (uint32_t)(c->cap_permitted >> 32),
	     (uint32_t)(c->cap_inheritable >> 32)},
	};
	return copy_to_user(t, data, d, (size_t)words * sizeof(*d));
}

long sys_capset(struct task *t, uaddr_t header, uaddr_t data)
{
	const struct cred *old = t->cred;
	struct cap_data d[2] = {{0}};
	struct cap_header h;
	int words = cap_words(t, header, &h);

	if (words < 0)
		return words;
	if (h.pid != 0 && h.pid != t->tid)
		return -EPERM;
	if (copy_from_user(t, d, data, (size_t)words * sizeof(*d)))
		return -EFAULT;
	uint64_t effective = (d[0].effective | (uint64_t)d[1].effective << 32) & CAP_ALL;
	uint64_t permitted = (d[0].permitted | (uint64_t)d[1].permitted << 32) & CAP_ALL;
	uint64_t inheritable = (d[0].inheritable | (uint64_t)d[1].inheritable << 32) & CAP_ALL;

	if (!cred_capable(old, CAP_SETPCAP_BIT) &&
	    (inheritable & ~(old->cap_inheritable | old->cap_permitted)))
		return -EPERM;
	if (inheritable & ~(old->cap_inheritable | old->cap_bounding))
		return -EPERM;
	if ((permitted & ~old->cap_permitted) || (effective & ~permitted))
		return -EPERM;
	struct cred *new = cred_copy(old);
	if (!new)
		return -ENOMEM;
	new->cap_effective = effective;
	new->cap_permitted = permitted;
	new->cap_inheritable = inheritable;
	new->cap_ambient &= permitted &inheritable;
	cred_publish(t, new);
	return 0;
}
