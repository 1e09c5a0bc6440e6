/*
 * legacy.c - the other ways into a Linux kernel: int $0x80, 32-bit code (int $0x80, sysenter and
 * syscall from there), and the vsyscall page.
 *
 *	legacy CANARY VICTIM
 *
 * After syscall and sysenter the host returns to a place that a 64-bit program does not have, so
 * the child dies of SIGSEGV either way: whether the call was carried out shows on the host alone.
 * The 32-bit table has numbers of its own: 10 is unlink, 37 is kill, 8 is creat.
 */
#include "hostile.h"

static uint32_t set[4][6];
static char *low;    /* memory below 4 GiB: data in the first page, stack, code in the last */
static char *code32; /* in low */
static long number;
static int which;

#define LOW_PAGES 4

static void make_low(const char *canary, long victim)
{
	uint32_t path;

	low = mmap(NULL, LOW_PAGES * 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED) {
		printf("FAIL no memory below 4 GiB\n");
		exit(1);
	}
	strncpy(low, canary, 1000);
	strncpy(low + 1024, canary, 1000);
	strcat(low + 1024, ".new");
	path = (uint32_t)(uintptr_t)low;
	memcpy(set,
	       (uint32_t[4][6]){{0, 0, 0, 0, 0, 0},
				{path, 01001, 0777, path, 0777, 0},
				{(uint32_t)victim, SIGKILL, 1, path, 1, path},
				{(uint32_t)-100, path, 01001, 0777, path, 0}},
	       sizeof(set));
	code32 = low + 3 * 4096;
}

static int by_int80(void *arg)
{
	register uint64_t bp __asm__("r10") = set[which][5];
	long result = number;

	__asm__ volatile("push %%rbp\n\tmov %%r10, %%rbp\n\tint $0x80\n\tpop %%rbp"
			 : "+a"(result)
			 : "b"((uint64_t)set[which][0]), "c"((uint64_t)set[which][1]),
			   "d"((uint64_t)set[which][2]), "S"((uint64_t)set[which][3]),
			   "D"((uint64_t)set[which][4]), "r"(bp)
			 : "memory", "r8", "r9", "r11");
	return (int)result == -ENOSYS;
}

/* Write the 32-bit routine: load six registers from the table at low+2048, make the call by
 * `how`, and go back to 64-bit mode. */
static void assemble(const uint8_t *how, size_t how_len)
{
	uint8_t *p = (uint8_t *)code32;
	uint32_t table = (uint32_t)(uintptr_t)low + 2048;
	/* mov reg, [disp32]: 8b /r with mod 0 rm 5 */
	static const uint8_t load[7] = {0x1d /*ebx*/, 0x0d /*ecx*/, 0x15 /*edx*/, 0x35 /*esi*/,
					0x3d /*edi*/, 0x2d /*ebp*/, 0x05 /*eax*/};
	uint32_t back;

	for (int i = 0; i < 7; i++) {
		uint32_t at = table + 4 * i;

		*p++ = 0x8b;
		*p++ = load[i];
		memcpy(p, &at, 4);
		p += 4;
	}
	memcpy(p, how, how_len);
	p += how_len;
	/* ljmp $0x33, the next instruction; there: movabs rsp <- saved; ret */
	back = (uint32_t)(uintptr_t)p + 7;
	*p++ = 0xea;
	memcpy(p, &back, 4);
	p += 4;
	*p++ = 0x33;
	*p++ = 0;
	/* mov rsp, [abs32]: 48 8b 24 25 disp32; ret */
	memcpy(p, "\x48\x8b\x24\x25", 4);
	table += 64;
	memcpy(p + 4, &table, 4);
	p[8] = 0xc3;
}

static int by_code32(void *arg)
{
	uint32_t *table = (uint32_t *)(low + 2048);
	uint64_t target = 0x2300000000UL | (uint32_t)(uintptr_t)code32;
	long result;

	for (int i = 0; i < 6; i++)
		table[i] = set[which][i];
	table[6] = (uint32_t)number;
	/* 32-bit code needs data segments that are not null, and a stack that it can reach. */
	__asm__ volatile(
	    "push %%rbx\n\tpush %%rbp\n\t"
	    "mov $0x2b, %%eax\n\tmov %%eax, %%ds\n\tmov %%eax, %%es\n\t"
	    "lea 1f(%%rip), %%rax\n\tpush %%rax\n\t"
	    "mov %%rsp, (%[save])\n\t"
	    "mov %[stack], %%rsp\n\t"
	    "push %[target]\n\t"
	    "ljmp *(%%rsp)\n"
	    "1:\tpop %%rbp\n\tpop %%rbx"
	    : "=&a"(result)
	    : [save] "c"(low + 2048 + 64), [stack] "d"(low + 3 * 4096 - 64), [target] "S"(target)
	    : "memory", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");
	return (int)result == -ENOSYS;
}

static void all_numbers(const char *name, int (*way)(void *arg))
{
	int counts[256] = {0};

	for (number = 0; number < 460; number++) {
		for (which = 0; which < 4; which++) {
			/* exit, pause, sigsuspend and the like: one set is enough */
			int status = in_child(way, NULL, 60);

			counts[status & 255]++;
			if (status == 0)
				printf("FAIL %s: number %ld, set %d was carried out\n", name,
				       number, which);
		}
	}
	for (int i = 0; i < 256; i++)
		if (counts[i])
			printf("%s: status %d: %d times\n", name, i, counts[i]);
}

static int by_vsyscall(void *arg)
{
	struct timeval tv = {0};
	long (*entry)(void *, void *) = arg;

	entry(&tv, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	require_box();
	if (argc < 3)
		return 97;
	make_low(argv[1], atol(argv[2]));
	meet("ready");
	all_numbers("int80", by_int80);
	assemble((const uint8_t *)"\xcd\x80", 2);
	all_numbers("code32 int80", by_code32);
	assemble((const uint8_t *)"\x0f\x05", 2);
	all_numbers("code32 syscall", by_code32);
	assemble((const uint8_t *)"\x0f\x34", 2);
	all_numbers("code32 sysenter", by_code32);
	for (uint64_t at = 0xffffffffff600000UL; at < 0xffffffffff601000UL; at += 0x400)
		printf("vsyscall +%#lx: status %d\n", (unsigned long)(at & 0xfff),
		       in_child(by_vsyscall, (void *)at, 60));
	meet("done");
	return 0;
}
