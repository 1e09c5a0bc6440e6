/*
 * uname.c - the names of this system: uname(2), sethostname(2), setdomainname(2), personality(2).
 */
#include "kern/boot.h"
#include "kern/cred.h"
#include "kern/task.h"
#include "kern/uts.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>

_Static_assert(sizeof(struct abi_utsname) == 390, "struct new_utsname");

static struct abi_utsname names; /* sysname empty: not filled yet */

static struct abi_utsname *names_get(void)
{
	struct utsname host;

	if (names.sysname[0])
		return &names;
	memset(&host, 0, sizeof(host));
	uname(&host);
	strcpy(names.sysname, "Linux");
	const char *node =
	    boot_config && boot_config->hostname ? boot_config->hostname : host.nodename;
	snprintf(names.nodename, sizeof(names.nodename), "%s", node);
	snprintf(names.release, sizeof(names.release), "%s", host.release);
	snprintf(names.version, sizeof(names.version), "#1 ukernel %s", UKERNEL_VERSION);
	strcpy(names.machine, "x86_64");
	strcpy(names.domainname, "(none)");
	return &names;
}

const struct abi_utsname *uts_names(void)
{
	return names_get();
}

void uts_set_name(bool domain, const char *name)
{
	char *to = domain ? names_get()->domainname : names_get()->nodename;

	snprintf(to, sizeof(names.nodename), "%.64s", name);
}

long sys_uname(struct task *t, uaddr_t buf)
{
	struct abi_utsname out = *names_get();

	if ((t->proc->personality & PER_MASK) == PER_LINUX32)
		strcpy(out.machine, "i686");
	return put_user(t, out, buf);
}

static long set_name(struct task *t, char name[65], uaddr_t from, size_t len)
{
	char new[65] = "";

	if (!cred_capable(t->cred, CAP_SYS_ADMIN_BIT))
		return -EPERM;
	if (len > 64) /* a negative length is a large one */
		return -EINVAL;
	if (copy_from_user(t, new, from, len))
		return -EFAULT;
	memcpy(name, new, sizeof(new));
	return 0;
}

long sys_sethostname(struct task *t, uaddr_t name, size_t len)
{
	return set_name(t, names_get()->nodename, name, len);
}

long sys_setdomainname(struct task *t, uaddr_t name, size_t len)
{
	return set_name(t, names_get()->domainname, name, len);
}

long sys_personality(struct task *t, unsigned long persona)
{
	unsigned long old = t->proc->personality;

	if ((uint32_t)persona != 0xffffffffu)
		t->proc->personality = (uint32_t)persona;
	return (long)old;
}
