/*
 * guard_known.c - which tasks exist: a policy may hand back any address.
 */
#include "sched/guard.h"

#include <stdlib.h>

static size_t slot_of(const struct guard_known *k, const struct sched_entity *se)
{
	size_t at = (((uintptr_t)se >> 6) * 0x9e3779b97f4a7c15ULL >> 20) & (k->size - 1);

	while (k->slot[at] && k->slot[at] != se)
		at = (at + 1) & (k->size - 1);
	return at;
}

static void grow(struct guard_known *k)
{
	struct guard_known old = *k;

	k->size = old.size ? 2 * old.size : 64;
	k->slot = calloc(k->size, sizeof(struct sched_entity *));
	if (!k->slot)
		abort();
	for (size_t i = 0; i < old.size; i++)
		if (old.slot[i])
			k->slot[slot_of(k, old.slot[i])] = old.slot[i];
	free(old.slot);
}

void guard_known_add(struct guard_known *k, struct sched_entity *se)
{
	if (2 * (k->nr + 1) > k->size)
		grow(k);
	size_t at = slot_of(k, se);
	k->nr += !k->slot[at];
	k->slot[at] = se;
}

bool guard_known_has(const struct guard_known *k, const struct sched_entity *se)
{
	return k->size && k->slot[slot_of(k, se)] == se;
}

void guard_known_remove(struct guard_known *k, const struct sched_entity *se)
{
	if (!guard_known_has(k, se))
		return;
	size_t at = slot_of(k, se);
	k->slot[at] = NULL;
	k->nr--;
	/* Those behind it may have wanted its place. */
	for (at = (at + 1) & (k->size - 1); k->slot[at]; at = (at + 1) & (k->size - 1)) {
		struct sched_entity *moved = k->slot[at];

		k->slot[at] = NULL;
		k->slot[slot_of(k, moved)] = moved;
	}
}
