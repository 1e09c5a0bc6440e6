/*
 * late.c - bytes for a guest that its stub copies itself, on its way back from a call.
 *
 * Storing them into the mailbox costs a copy; writing to the guest's memory from here costs a host
 * call, which is most of a small read().  The kernel has looked that the guest may write there; if
 * its memory has changed since, the copy faults in the stub, and the call ends with EFAULT.
 *
 * It looks for them whichever way its call came, by the mailbox or as a notification.
 *
 * One thread at a time has such bytes.  Everything else that could see the difference, other
 * accesses to guest memory and a kernel that goes to sleep above all, writes them first.
 */
#include "late.h"

#include <string.h>

#include "turbo.h"
#include "usermem.h"
#include "vthread.h"

static struct vthread *owner;
static uaddr_t owner_to;
static uint32_t owner_len;

bool late_write(struct vthread *th, uaddr_t to, const void *from, size_t len)
{
	if (!th->by_stub || len == 0 || len > BOX_DATA_MAX ||
	    (th->hold != HOLD_BOXED && th->hold != HOLD_NOTIFIED))
		return false;
	if (owner == th && to == owner_to + owner_len && len <= BOX_DATA_MAX - owner_len) {
		memcpy(th->box->data + owner_len, from, len);
		owner_len += (uint32_t)len;
		return true;
	}
	late_flush();
	memcpy(th->box->data, from, len);
	owner = th;
	owner_to = to;
	owner_len = (uint32_t)len;
	return true;
}

void late_flush(void)
{
	struct vthread *th = owner;

	if (__builtin_expect(th == NULL, 1))
		return;
	owner = NULL;
	mem_write(th, owner_to, th->box->data, owner_len);
}

void late_give(struct vthread *th)
{
	th->late = 0;
	if (owner == th) {
		th->late = owner_len;
		th->late_to = th->box->late_to = owner_to;
		owner = NULL;
	}
	th->box->late = th->late;
}

void late_untaken(struct vthread *th)
{
	if (th->late == 0)
		return;
	mem_write(th, th->late_to, th->box->data, th->late);
	th->late = th->box->late = 0;
}

void late_forget(struct vthread *th)
{
	if (owner == th)
		owner = NULL;
}
