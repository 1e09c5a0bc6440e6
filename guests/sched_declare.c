/*
 * sched_declare.c - what a program may declare to the scheduling policy, which Linux has no call
 * for: prctl(PR_UKERNEL_SCHED, WHAT, VALUE, 0, 0).
 *
 * guest-native: no
 */
#include "check.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#define DECLARE(what, value) prctl(0x556b0001, what, value, 0, 0)

static void unprivileged(void)
{
	CHECK_OK(setuid(12345));
	CHECK_ERR(DECLARE(0, 100000L), EPERM);
	CHECK_OK(DECLARE(0, 1L));
	CHECK_ERR(DECLARE(2, -20L), EPERM);
	CHECK_OK(DECLARE(2, 19L));
	CHECK_ERR(DECLARE(2, 18L), EPERM);
}

int main(void)
{
	uint64_t before = 0, after = 0;

	check_in_box();
	CHECK_OK(DECLARE(0, 50L));
	CHECK_OK(DECLARE(0, 0L));
	CHECK_OK(DECLARE(1, 5000000L));
	CHECK_OK(DECLARE(2, 3L));
	CHECK_ERR(DECLARE(0, -1L), EINVAL);
	CHECK_ERR(DECLARE(0, 1000001L), EINVAL);
	CHECK_ERR(DECLARE(1, -1L), EINVAL);
	CHECK_ERR(DECLARE(2, 20L), EINVAL);
	CHECK_ERR(DECLARE(2, -21L), EINVAL);
	CHECK_ERR(DECLARE(4, 0L), EINVAL);
	CHECK_ERR(DECLARE(-1L, 0L), EINVAL);
	CHECK_ERR(DECLARE(3, 1L), EFAULT);
	CHECK_OK(DECLARE(3, &before));
	for (volatile int i = 0; i < 1000000; i++)
		;
	CHECK_OK(DECLARE(3, &after));
	CHECK(after > before);
	if (getuid() == 0)
		unprivileged();
	return check_done();
}
