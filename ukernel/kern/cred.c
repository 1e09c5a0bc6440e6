/*
 * cred.c - credentials as objects: counted, copied to be changed, never changed in place.
 */
#include "kern/cred.h"

#include <stdlib.h>
#include <string.h>

struct cred *cred_alloc(int ngroups)
{
	struct cred *c = calloc(1, sizeof(*c) + (size_t)ngroups * sizeof(c->groups[0]));

	if (c) {
		c->refs = 1;
		c->ngroups = ngroups;
	}
	return c;
}

struct cred *cred_copy(const struct cred *from)
{
	struct cred *c = cred_alloc(from->ngroups);

	if (c) {
		memcpy(c, from, sizeof(*c) + (size_t)from->ngroups * sizeof(c->groups[0]));
		c->refs = 1;
	}
	return c;
}

/* Immutable to its users; the count is ours. */
static struct cred *mutable(const struct cred *c)
{
	return (struct cred *)(uintptr_t)c;
}

const struct cred *cred_get(const struct cred *c)
{
	mutable(c)->refs++;
	return c;
}

void cred_put(const struct cred *c)
{
	if (c && --mutable(c)->refs == 0)
		free(mutable(c));
}

bool cred_in_group(const struct cred *c, gid_t gid)
{
	if (c->fsgid == gid)
		return true;
	for (int i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}
