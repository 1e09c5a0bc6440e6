/*
 * sites.c - what rewritten calls look like (turbo), made by the guest itself and in wrong places.
 *
 *	sites CANARY VICTIM
 *
 * A rewritten call is a jump by way of a slot, and its fifth byte raises SIGILL where the `syscall`
 * was.  Both are made in memory of our own, over sites of our own text, and in a copy of our file
 * that is mapped elsewhere and taken away again.  What comes of it may be a crash, or a call whose
 * result comes back to an odd place: never a call of the host's; and where no call was rewritten
 * the byte is what it is.  Under the other backends there are no slots, and it says so.
 */
#include "hostile.h"

#include <fcntl.h>
#include <pthread.h>

#define SLOTS	  0x60000UL
#define SLOTS_END 0x78000UL
#define SLOTS_TRY 24
#define PAGE	  4096UL

static char *canary;
static uint64_t victim;

static long page_of(const void *p)
{
	return (long)((uintptr_t)p & ~(PAGE - 1));
}

static int read_at(void *at)
{
	return *(volatile char *)at & 0;
}

/* ff 24 25 slot: jmp *slot, and behind it what the jump never comes to. */
static void jump_write(uint8_t *to, uint64_t slot)
{
	const uint8_t jump[7] = {
	    0xff, 0x24, 0x25, (uint8_t)slot, (uint8_t)(slot >> 8), (uint8_t)(slot >> 16), 0};

	memcpy(to, jump, sizeof(jump));
	memset(to + sizeof(jump), 0xc3, 16);
}

static uint8_t *memory(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		raw_exit(96);
	return p;
}

static void enter(const void *code, uint64_t nr, const uint64_t a[6])
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4],
			      r9 __asm__("r9") = a[5];

	__asm__ volatile("call *%[code]"
			 : "+a"(nr)
			 : [code] "b"(code), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
}

/* A site of our own for somebody else's slot, with calls that would do harm. */
static int jump_there(void *slot)
{
	const uint64_t calls[][7] = {
	    {SYS_kill, victim, SIGTERM},
	    {SYS_open, (uint64_t)canary, 01001, 0777, MARKER},
	    {SYS_mmap, MARKER, PAGE, 7, 0x32, ~0UL, 0},
	    {SYS_unlink, (uint64_t)canary, MARKER},
	};
	uint8_t *code = memory();

	jump_write(code, (uint64_t)slot);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		enter(code, calls[i][0], calls[i] + 1);
	return 0;
}

/* The byte that stands for `syscall` at a site does not do so here. */
static int byte_there(void *slot)
{
	const uint64_t none[6] = {0};
	uint8_t *code = memory();

	jump_write(code, (uint64_t)slot);
	enter(code + 5, SYS_getpid, none);
	return 0; /* it was taken for a call */
}

/* The text where libc makes a call, with another site's jump written over its beginning. */
static int own_text(void *slot)
{
	uint8_t *text = (uint8_t *)getpgid;

	for (int i = 0; i < 100; i++)
		getpgid(0); /* it is rewritten now */
	if (mprotect((void *)page_of(text), 2 * PAGE, 7) != 0)
		return 1;
	for (int i = 0; i < 64; i++)
		if (memcmp(text + i, (uint8_t[]){0xff, 0x24, 0x25}, 3) == 0)
			return 2; /* our own bytes, when they are ours to change */
	jump_write(text, (uint64_t)slot);
	if (mprotect((void *)page_of(text), 2 * PAGE, 5) != 0)
		return 1;
	for (int i = 0; i < 100; i++)
		getpgid(0);
	return 0;
}

static void *calls_make(void *arg)
{
	for (;;)
		getpgid(0);
	return NULL;
}

/* Our own file over itself and away again, while another thread is in it. */
static int module_race(void *arg)
{
	void *text = (void *)page_of((void *)getpgid);
	int fd = open("/proc/self/exe", O_RDONLY);
	pthread_t thread;
	void *other;

	if (fd < 0 || pthread_create(&thread, NULL, calls_make, NULL) != 0)
		return 1;
	for (int i = 0; i < 100; i++) {
		mprotect(text, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
		mprotect(text, PAGE, PROT_READ | PROT_EXEC);
		other = mmap(NULL, 64 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		if (other == MAP_FAILED)
			return 1;
		mremap(other, 64 * PAGE, 32 * PAGE, MREMAP_MAYMOVE);
		munmap(other, 64 * PAGE);
	}
	return 0;
}

static void slots_try(void)
{
	int tried = 0, ended[256] = {0};

	for (uint64_t at = SLOTS; at < SLOTS_END && tried < SLOTS_TRY; at += 8) {
		int status;

		if (*(volatile uint64_t *)at == 0 && at % PAGE != 0)
			continue; /* of the empty ones a few */
		tried++;
		ended[(uint8_t)in_child(jump_there, (void *)at, 300)]++;
		status = in_child(byte_there, (void *)at, 300);
		if (status != 128 + SIGILL)
			printf("FAIL the byte of slot %lx: %d\n", at, status);
		status = in_child(own_text, (void *)at, 300);
		if (status == 1 || status == 2)
			printf("FAIL own text with slot %lx: %d\n", at, status);
	}
	printf("%d slots\n", tried);
	for (int i = 0; i < 256; i++)
		if (ended[i] > 0)
			printf("%d jumps ended with %d\n", ended[i], i);
}

int main(int argc, char **argv)
{
	int status;

	require_box();
	signal(SIGTERM, SIG_IGN);
	if (argc < 3)
		return 97;
	canary = argv[1];
	victim = (uint64_t)atol(argv[2]);
	meet("ready");
	for (int i = 0; i < 200; i++)
		getpgid(0);
	if (in_child(read_at, (void *)SLOTS, 1000) != 0)
		puts("no slots here");
	else
		slots_try();
	status = in_child(module_race, NULL, 3000);
	if (status != 0)
		printf("FAIL text that changes under a thread: %d\n", status);
	meet("done");
	return 0;
}
