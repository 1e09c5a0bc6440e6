/*
 * check.h - the few words that guest programs share: each checks, prints what it saw, and ends
 * with the number of checks that failed.
 */
#ifndef GUESTS_CHECK_H
#define GUESTS_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static int check_failures;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("FAIL line %d: %s (errno %d)\n", __LINE__, #cond, errno);           \
			check_failures++;                                                          \
		}                                                                                  \
	} while (0)

/* The call must fail with err. */
#define CHECK_ERR(call, err)                                                                       \
	do {                                                                                       \
		errno = 0;                                                                         \
		long ret_ = (long)(call);                                                          \
		if (ret_ != -1 || errno != (err)) {                                                \
			printf("FAIL line %d: %s gave %ld, errno %d, not %d\n", __LINE__, #call,   \
			       ret_, errno, (err));                                                \
			check_failures++;                                                          \
		}                                                                                  \
	} while (0)

/* The call must succeed. */
#define CHECK_OK(call) CHECK((call) == 0)

static inline int check_is_box(void)
{
	struct utsname u;

	return uname(&u) == 0 && strstr(u.version, "ukernel") != NULL;
}

/* For programs that would do harm outside: ends at once unless this is a box of ukernel's. */
static inline void check_in_box(void)
{
	if (check_is_box())
		return;
	printf("FAIL: to be run in a box only\n");
	exit(1);
}

#define HOST_LACKS 77

/* For calls that a host may be built or told not to have: natively the program ends here unless
 * `has`, and what it does in the box is judged alone (tests/guests.py). */
static inline void check_host_has(int has)
{
	if (has || check_is_box())
		return;
	printf("the host does not have it\n");
	exit(HOST_LACKS);
}

static inline int check_done(void)
{
	printf(check_failures ? "%d checks failed\n" : "all checks passed\n", check_failures);
	return check_failures ? 1 : 0;
}
#endif
