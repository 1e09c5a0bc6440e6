/*
 * limit.c - how much memory may be had: resource limits (setrlimit(2)) of a process, and the
 * memory of the whole box.
 */
#include "kern/cred.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/region.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

uint64_t memory_max;
uint64_t memory_charged;

int memory_charge(uint64_t bytes)
{
	if (memory_max && (bytes > memory_max || memory_charged > memory_max - bytes))
		return -ENOMEM;
	memory_charged += bytes;
	return 0;
}

void memory_charge_force(uint64_t bytes)
{
	memory_charged += bytes;
}

void memory_uncharge(uint64_t bytes)
{
	memory_charged -= bytes;
}

uint64_t rlimit_now(const struct task *t, int which)
{
	return t->proc->rlimit[which].cur;
}

#define CAP_IPC_LOCK_BIT 14

bool mm_may_lock_all(struct task *t)
{
	return cred_capable(t->cred, CAP_IPC_LOCK_BIT);
}

bool region_is_data(int prot, uint32_t flags)
{
	return (prot & PROT_WRITE) && !(flags & (REGION_SHARED | REGION_GROWSDOWN));
}

bool region_is_charged(int prot, uint32_t flags)
{
	/* Under a limit MAP_NORESERVE would be a way round it (as with vm.overcommit_memory=2). */
	uint32_t exempt =
	    REGION_SHARED | REGION_SPECIAL | REGION_HIDDEN | (memory_max ? 0 : REGION_NORESERVE);

	return (prot & PROT_WRITE) && !(flags & exempt);
}

int mm_may_grow(struct task *t, struct mm *mm, uint64_t len, int prot, uint32_t flags)
{
	uint64_t as = rlimit_now(t, RLIMIT_AS), data = rlimit_now(t, RLIMIT_DATA);

	if (mm->total + len > as)
		return -ENOMEM;
	if (region_is_data(prot, flags) && mm->data + len > data)
		return -ENOMEM;
	return 0;
}
