/*
 * unmap_threads.c - what one thread unmaps and another maps: the second never loses what it got,
 * however soon after the first it comes.
 */
#include "check.h"

#include <pthread.h>
#include <sys/mman.h>

#define ROUNDS 3000
#define SIZE   (256 << 10)

static void *mapper(void *arg)
{
	long *lost = arg;

	for (int i = 0; i < ROUNDS; i++) {
		char *p = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		/* A page that is not there would be ENOMEM. */
		if (p == MAP_FAILED || mprotect(p, SIZE, PROT_READ | PROT_WRITE))
			++*lost;
		else
			p[SIZE - 1] = p[0] = 1;
		if (p != MAP_FAILED)
			munmap(p, SIZE);
	}
	return NULL;
}

int main(void)
{
	long lost[4] = {0};
	pthread_t th[4];

	for (int i = 0; i < 4; i++)
		CHECK_OK(pthread_create(&th[i], NULL, mapper, &lost[i]));
	for (int i = 0; i < 4; i++) {
		CHECK_OK(pthread_join(th[i], NULL));
		CHECK(lost[i] == 0);
	}
	return check_done();
}
