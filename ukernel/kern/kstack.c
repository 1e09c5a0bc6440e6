/*
 * kstack.c - where kernel stacks come from, and the switch between them.
 *
 * Stacks are mapped with an inaccessible page below, so that an overrun is a clean crash of the
 * supervisor and not silent damage.  Finished ones are kept for the next task: fork is frequent.
 * AddressSanitizer is told of every switch.  Nothing here knows what a task is.
 */
#include "kern/kstack.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define KSTACK_SIZE (256UL << 10) /* red zones make frames several times larger */
#else
#define KSTACK_SIZE (64UL << 10)
#endif

#define GUARD_SIZE 4096UL
#define CACHE_MAX  32

void context_switch(void **save_sp, void *load_sp);
void context_start(void);
void kstack_enter(void (*fn)(void *), void *arg);

/* Finished stacks, linked through their lowest word. */
static void *cache_head;
static unsigned cache_len;

/* The stack that was left by the last switch, and is being left for good if dying. */
static struct kstack *switched_from;

static void *stack_take(void)
{
	if (cache_head) {
		void *base = cache_head;

		cache_head = *(void **)base;
		cache_len--;
		return base;
	}
	char *map = mmap(NULL, KSTACK_SIZE + GUARD_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map, GUARD_SIZE, PROT_NONE) != 0) {
		munmap(map, KSTACK_SIZE + GUARD_SIZE);
		return NULL;
	}
	return map + GUARD_SIZE;
}

int kstack_init(struct kstack *k, void (*fn)(void *arg), void *arg)
{
	void *base = stack_take();

	if (!base)
		return -ENOMEM;
	k->base = base;
	k->size = KSTACK_SIZE;
	k->fake = NULL;

	/* What context_switch pops, in its order, then where it returns to.  The words above keep
	 * the stack aligned as the psABI wants it at a function's entry. */
	uint64_t *sp = (uint64_t *)((char *)base + KSTACK_SIZE) - 11;
	sp[0] = 0;			  /* r15 */
	sp[1] = 0;			  /* r14 */
	sp[2] = (uint64_t)(uintptr_t)arg; /* r13 */
	sp[3] = (uint64_t)(uintptr_t)fn;  /* r12 */
	sp[4] = 0;			  /* rbx */
	sp[5] = 0;			  /* rbp */
	sp[6] = (uint64_t)(uintptr_t)context_start;
	sp[7] = sp[8] = sp[9] = sp[10] = 0;
	k->sp = sp;
	return 0;
}

void kstack_finish(struct kstack *k)
{
	if (!k->base)
		return;
#ifdef WITH_ASAN
	__asan_unpoison_memory_region(k->base, k->size);
#endif
	if (cache_len < CACHE_MAX) {
		*(void **)k->base = cache_head;
		cache_head = k->base;
		cache_len++;
	} else {
		munmap((char *)k->base - GUARD_SIZE, KSTACK_SIZE + GUARD_SIZE);
	}
	k->base = NULL;
	k->sp = NULL;
}

/* What has to be done on arrival, before anything else. */
static void switch_finish(struct kstack *self)
{
#ifdef WITH_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(self ? self->fake : NULL, &bottom, &size);
	/* The first stack of the process tells its bounds when it is left. */
	if (switched_from && !switched_from->base) {
		switched_from->base = (void *)(uintptr_t)bottom;
		switched_from->size = size;
	}
#else
	(void)self;
#endif
}

/* Called by context_start on a fresh stack. */
void kstack_enter(void (*fn)(void *), void *arg)
{
	switch_finish(NULL);
	fn(arg);
	abort(); /* fn must not return */
}

void kstack_switch(struct kstack *from, struct kstack *to, bool dying)
{
	switched_from = from;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(dying ? NULL : &from->fake, to->base, to->size);
#else
	(void)dying;
#endif
	context_switch(&from->sp, to->sp);
	switch_finish(from);
}
