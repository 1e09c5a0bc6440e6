/*
 * prctl.c - prctl(2) and arch_prctl(2): settings of a thread or process that have no call of
 * their own.
 *
 * An operation that is not here answers EINVAL, as a Linux without it does.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#define CAP_LAST		    40
#define SECBIT_KEEP_CAPS	    (1u << 4)
#define SECBIT_KEEP_LOCKED	    (1u << 5)
#define SECBITS_ALL		    0xffu
#define SECBITS_LOCKS		    0xaau /* the odd bits lock the even ones */
#define SECBIT_NO_CAP_AMBIENT_RAISE (1u << 6)
/* Ours alone, as there is no call of Linux's for it: prctl(PR_UKERNEL_SCHED, WHAT, VALUE, 0, 0)
 * declares to the scheduling policy what a task is like, or asks (docs/scheduling.md). */
#define PR_UKERNEL_SCHED	0x556b0001
#define UKERNEL_SCHED_TICKETS	0
#define UKERNEL_SCHED_LENGTH_NS 1
#define UKERNEL_SCHED_LATENCY	2
#define UKERNEL_SCHED_RAN	3 /* VALUE: where to put the ns that it has had a CPU */
#define TICKETS_MAX		1000000
#define TIMERSLACK_DEFAULT_NS	50000

/* Replace t's credentials by new, which differs only in what no one else watches. */
static long publish(struct task *t, struct cred *new)
{
	const struct cred *old = t->cred;

	t->cred = new;
	cred_put(old);
	return 0;
}

static long name_set(struct task *t, uaddr_t from)
{
	char name[COMM_LEN];
	ssize_t len = string_from_user(t, name, from, sizeof(name));

	if (len < 0 && len != -ENAMETOOLONG)
		return len;
	name[COMM_LEN - 1] = '\0'; /* a longer one is cut, silently */
	memset(t->comm, 0, sizeof(t->comm));
	strcpy(t->comm, name);
	sched_task_renamed(t);
	return 0;
}

struct declaration {
	unsigned long what;
	int64_t value;
};

static void declare(struct sched_entity *se, const void *arg)
{
	const struct declaration *d = arg;

	if (d->what == UKERNEL_SCHED_TICKETS)
		se->tickets = (uint32_t)d->value;
	else if (d->what == UKERNEL_SCHED_LENGTH_NS)
		se->length_ns = (uint64_t)d->value;
	else
		se->latency_nice = (int32_t)d->value;
}

/* More tickets, and a shorter wait, are like a lower nice value: not for everybody. */
static long sched_declare(struct task *t, unsigned long what, int64_t value)
{
	struct declaration d = {what, value};
	bool may = cred_capable(t->cred, CAP_SYS_NICE_BIT);

	switch (what) {
	case UKERNEL_SCHED_TICKETS:
		if (value < 0 || value > TICKETS_MAX)
			return -EINVAL;
		if (!may && value > (int64_t)(t->se.tickets ? t->se.tickets : t->se.weight))
			return -EPERM;
		break;
	case UKERNEL_SCHED_LENGTH_NS:
		if (value < 0)
			return -EINVAL;
		break;
	case UKERNEL_SCHED_LATENCY:
		if (value < -20 || value > 19)
			return -EINVAL;
		if (!may && value < t->se.latency_nice)
			return -EPERM;
		break;
	default:
		return -EINVAL;
	}
	sched_change(t, declare, &d);
	return 0;
}

static long keepcaps_set(struct task *t, unsigned long on)
{
	if (on > 1)
		return -EINVAL;
	if (t->cred->securebits & SECBIT_KEEP_LOCKED)
		return -EPERM;
	struct cred *new = cred_copy(t->cred);
	if (!new)
		return -ENOMEM;
	new->securebits =
	    on ? new->securebits | SECBIT_KEEP_CAPS : new->securebits & ~SECBIT_KEEP_CAPS;
	return publish(t, new);
}

static long securebits_set(struct task *t, unsigned long bits)
{
	unsigned old = t->cred->securebits;
	unsigned locked = (old & SECBITS_LOCKS) >> 1;

	/* capabilities(7): needs CAP_SETPCAP, locks stay, locked bits stay. */
	if ((bits & ~(unsigned long)SECBITS_ALL) || (old & SECBITS_LOCKS & ~bits) ||
	    (locked & (old ^ bits)) || !cred_capable(t->cred, CAP_SETPCAP_BIT))
		return -EPERM;
	struct cred *new = cred_copy(t->cred);
	if (!new)
		return -ENOMEM;
	new->securebits = (unsigned)bits;
	return publish(t, new);
}

static long bounding_drop(struct task *t, unsigned long cap)
{
	if (!cred_capable(t->cred, CAP_SETPCAP_BIT))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	struct cred *new = cred_copy(t->cred);
	if (!new)
		return -ENOMEM;
	new->cap_bounding &= ~(1ULL << cap);
	return publish(t, new);
}

static long ambient(struct task *t, unsigned long op, unsigned long cap)
{
	const struct cred *c = t->cred;

	if (op == PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : cap > CAP_LAST)
		return -EINVAL;
	uint64_t bit = 1ULL << cap;
	if (op == PR_CAP_AMBIENT_IS_SET)
		return (c->cap_ambient & bit) != 0;
	if (op != PR_CAP_AMBIENT_RAISE && op != PR_CAP_AMBIENT_LOWER &&
	    op != PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_RAISE && (!(c->cap_permitted & c->cap_inheritable & bit) ||
					   (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -EPERM;
	struct cred *new = cred_copy(c);
	if (!new)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_RAISE)
		new->cap_ambient |= bit;
	else
		new->cap_ambient &= op == PR_CAP_AMBIENT_LOWER ? ~bit : 0;
	return publish(t, new);
}

static long no_new_privs_set(struct task *t)
{
	struct cred *new = cred_copy(t->cred);

	if (!new)
		return -ENOMEM;
	new->no_new_privs = true;
	return publish(t, new);
}

/* The operations on credentials; -ENOSYS: not one of them. */
static long prctl_cred(struct task *t, int option, unsigned long arg2, unsigned long arg3,
		       unsigned long arg4, unsigned long arg5)
{
	switch (option) {
	case PR_GET_KEEPCAPS:
		return (t->cred->securebits & SECBIT_KEEP_CAPS) != 0;
	case PR_SET_KEEPCAPS:
		return keepcaps_set(t, arg2);
	case PR_GET_SECUREBITS:
		return t->cred->securebits;
	case PR_SET_SECUREBITS:
		return securebits_set(t, arg2);
	case PR_CAPBSET_READ:
		return arg2 > CAP_LAST ? -EINVAL : (long)(t->cred->cap_bounding >> arg2 & 1);
	case PR_CAPBSET_DROP:
		return bounding_drop(t, arg2);
	case PR_CAP_AMBIENT:
		return arg4 || arg5 ? -EINVAL : ambient(t, arg2, arg3);
	case PR_SET_NO_NEW_PRIVS:
		if (arg2 != 1 || arg3 || arg4 || arg5)
			return -EINVAL;
		return no_new_privs_set(t);
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : t->cred->no_new_privs;
	}
	return -ENOSYS;
}

long sys_prctl(struct task *t, int option, unsigned long arg2, unsigned long arg3,
	       unsigned long arg4, unsigned long arg5)
{
	int value;

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (arg2 > NSIG_GUEST)
			return -EINVAL;
		t->pdeath_signal = (int)arg2;
		return 0;
	case PR_GET_PDEATHSIG:
		value = t->pdeath_signal;
		return put_user(t, value, arg2);
	case PR_GET_DUMPABLE:
		return t->proc->dumpable;
	case PR_SET_DUMPABLE:
		if (arg2 > 1)
			return -EINVAL;
		t->proc->dumpable = arg2;
		return 0;
	case PR_SET_NAME:
		return name_set(t, arg2);
	case PR_UKERNEL_SCHED:
		if (arg2 == UKERNEL_SCHED_RAN) {
			uint64_t ran_ns = sched_ran_ns(t);

			return put_user(t, ran_ns, arg3);
		}
		return sched_declare(t, arg2, (int64_t)arg3);
	case PR_GET_NAME:
		return copy_to_user(t, arg2, t->comm, sizeof(t->comm));
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TIMING:
		return arg2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_SECCOMP:
		return 0; /* no filter: guests cannot install one */
	case PR_GET_TSC:
		value = PR_TSC_ENABLE;
		return put_user(t, value, arg2);
	case PR_SET_TSC:
		return arg2 == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK:
		t->timerslack_ns = (long)arg2 <= 0 ? 0 : arg2;
		return 0;
	case PR_GET_TIMERSLACK:
		return t->timerslack_ns ? (long)t->timerslack_ns : TIMERSLACK_DEFAULT_NS;
	case PR_SET_CHILD_SUBREAPER:
		t->proc->child_subreaper = arg2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		value = t->proc->child_subreaper;
		return put_user(t, value, arg2);
	case PR_GET_TID_ADDRESS:
		return put_user(t, t->clear_child_tid, arg2);
	case PR_GET_THP_DISABLE:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : 0;
	}
	long result = prctl_cred(t, option, arg2, arg3, arg4, arg5);
	if (result != -ENOSYS)
		return result;
	log_info(syscall, "pid %d (%s): prctl operation %d is not supported: EINVAL", t->tid,
		 t->comm, option);
	return -EINVAL;
}

/* --- arch_prctl(2); codes of asm/prctl.h --- */
#define ARCH_SET_GS_	     0x1001
#define ARCH_SET_FS_	     0x1002
#define ARCH_GET_FS_	     0x1003
#define ARCH_GET_GS_	     0x1004
#define ARCH_GET_CPUID_	     0x1011
#define ARCH_SET_CPUID_	     0x1012
#define ARCH_GET_XCOMP_SUPP_ 0x1021
#define ARCH_GET_XCOMP_PERM_ 0x1022

static long base_set(struct task *t, int code, uaddr_t base)
{
	struct regs regs;

	if (base >= machine_info.user_hi)
		return -EPERM;
	int err = machine->regs_get(t->thread, &regs);
	if (err)
		return err;
	if (code == ARCH_SET_FS_)
		regs.fs_base = base;
	else
		regs.gs_base = base;
	return machine->regs_set(t->thread, &regs);
}

long sys_arch_prctl(struct task *t, int code, uaddr_t addr)
{
	struct regs regs;
	int err;

	switch (code) {
	case ARCH_SET_FS_:
	case ARCH_SET_GS_:
		return base_set(t, code, addr);
	case ARCH_GET_FS_:
	case ARCH_GET_GS_:
		err = machine->regs_get(t->thread, &regs);
		if (err)
			return err;
		return code == ARCH_GET_FS_ ? put_user(t, regs.fs_base, addr)
					    : put_user(t, regs.gs_base, addr);
	case ARCH_GET_CPUID_:
		return 1; /* the instruction works */
	case ARCH_SET_CPUID_:
		return -ENODEV;
	case ARCH_GET_XCOMP_SUPP_:
	case ARCH_GET_XCOMP_PERM_:
		return put_user(t, machine_info.xstate_features, addr);
	}
	return -EINVAL;
}
