/*
 * cred.h - who a task is (credentials(7)), counted and immutable once published.
 */
#ifndef KERN_CRED_H
#define KERN_CRED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NGROUPS_LIMIT 1024

struct cred {
	int refs;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	unsigned securebits;
	bool no_new_privs;
	int ngroups;
	gid_t groups[]; /* ngroups */
};

struct cred *cred_alloc(int ngroups);		 /* refs 1, zeroed; NULL: no memory */
struct cred *cred_copy(const struct cred *from); /* a private copy to change */
const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
bool cred_in_group(const struct cred *c, gid_t gid); /* fsgid or supplementary */
bool cred_capable(const struct cred *c, int cap);    /* CAP_* in the effective set */

#define CAP_CHOWN_BIT		 0
#define CAP_DAC_OVERRIDE_BIT	 1
#define CAP_DAC_READ_SEARCH_BIT	 2
#define CAP_FOWNER_BIT		 3
#define CAP_FSETID_BIT		 4
#define CAP_KILL_BIT		 5
#define CAP_SETGID_BIT		 6
#define CAP_SETUID_BIT		 7
#define CAP_SETPCAP_BIT		 8
#define CAP_NET_BIND_SERVICE_BIT 10
#define CAP_NET_ADMIN_BIT	 12
#define CAP_SYS_CHROOT_BIT	 18
#define CAP_SYS_PTRACE_BIT	 19
#define CAP_SYS_ADMIN_BIT	 21
#define CAP_SYS_NICE_BIT	 23
#define CAP_SYS_RESOURCE_BIT	 24
#define CAP_SYS_TIME_BIT	 25
#define CAP_MKNOD_BIT		 27
#define CAP_ALL			 ((1ULL << 41) - 1)
#endif
