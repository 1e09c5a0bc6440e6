/*
 * random.c - getrandom(2), and the bytes behind /dev/random and /dev/urandom.
 *
 * The host's generator is the source: it is seeded, and its bytes are nobody's secret.
 */
#include "fs/random.h"

#include "kern/waitq.h"
#include "lib/host.h"
#include "syscall.h"

#include <errno.h>
#include <linux/random.h>
#include <sys/random.h>

#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

#define REQUEST_MAX 0x1ffffffUL /* Linux's: 32 MiB - 1 */

int random_bytes(void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		long n = host_call(getrandom(to, len, 0));

		if (n < 0)
			return n;
		to += n;
		len -= n;
	}
	return 0;
}

ssize_t random_to_uio(struct uio *to)
{
	static char chunk[4096]; /* no sleep between fill and drain */
	size_t left = to->left < REQUEST_MAX ? to->left : REQUEST_MAX;
	ssize_t done = 0;

	while (left) {
		size_t n = left < sizeof(chunk) ? left : sizeof(chunk);
		int err = random_bytes(chunk, n);
		ssize_t put = err ? err : uio_put(to, chunk, n);

		if (put < 0)
			return done ? done : put;
		done += put;
		left -= put;
		if ((size_t)put < n)
			break;
	}
	return done;
}

long sys_getrandom(struct task *t, uaddr_t buf, size_t count, unsigned flags)
{
	struct uio to;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	uio_user(&to, t, buf, count < REQUEST_MAX ? count : REQUEST_MAX);
	return random_to_uio(&to);
}
