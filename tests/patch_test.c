/*
 * patch_test.c - which system calls may be rewritten (sandbox/patch.c), on the libraries and
 * programs of this host, and on bytes made to deceive.
 */
#include "patch.h"

#include <Zydis/Zydis.h>
#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOT 0x6abc8U

TestSuite(patch, .timeout = 60);

static ZydisDecoder decoder;

static size_t decode(const uint8_t *at, size_t len, ZydisDecodedInstruction *insn)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, at, len, insn))
		   ? insn->length
		   : 0;
}

/* Carry out a plan on a copy of the page, and see that it does what it says: from the first byte
 * that is replaced, only padding and jumps lead to the slot, and no byte else has changed. */
static void plan_check(const struct patch_text *t, struct patch_plan *plan)
{
	uint64_t page = plan->sys / 4096 * 4096, at = plan->start;
	uint8_t copy[4096 + 16] = {0}, mask[4096 + 16] = {0};
	uint64_t lo = page > t->off ? page : t->off;
	uint64_t hi = t->off + t->len < page + 4096 ? t->off + t->len : page + 4096;
	ZydisDecodedInstruction insn;
	uint32_t slot;

	patch_aim(plan, SLOT);
	memcpy(copy + (lo - page), t->bytes + (lo - t->off), hi - lo);
	for (int i = 0; i < plan->pieces; i++) {
		const struct patch_piece *p = &plan->piece[i];

		cr_assert(p->off >= page && p->off + p->len <= page + 4096, "within the page");
		for (unsigned b = 0; b < p->len; b++)
			cr_assert(mask[p->off - page + b]++ == 0, "pieces do not overlap");
		memcpy(copy + (p->off - page), p->bytes, p->len);
	}
	for (;;) {
		cr_assert(mask[at - page], "%lx", (long)plan->sys);
		cr_assert_gt(decode(copy + (at - page), 16, &insn), 0);
		if (insn.mnemonic == ZYDIS_MNEMONIC_NOP && copy[at - page] != 0xeb)
			at += insn.length;
		else if (copy[at - page] == 0xeb)
			at += 2 + (uint64_t)(int64_t)(int8_t)copy[at - page + 1];
		else if (copy[at - page] == 0xe9)
			at += 5 + (uint64_t)insn.raw.imm[0].value.s;
		else
			break;
	}
	cr_assert(memcmp(copy + (at - page), "\xff\x24\x25", 3) == 0);
	memcpy(&slot, copy + (at - page) + 3, 4);
	cr_assert_eq(slot, SLOT);
	if (plan->kind == PATCH_BEFORE)
		cr_assert_eq(decode(copy + (plan->sys - page), 16, &insn), 0,
			     "who comes to the old syscall is stopped");
	else
		cr_assert_eq(plan->start, plan->sys);
}

struct tally {
	unsigned sites, before, gap;
	struct {
		const char *why;
		unsigned n;
	} left[12];
};

static void tally_left(struct tally *sum, const char *why)
{
	for (int i = 0; i < 12; i++) {
		if (sum->left[i].why == NULL || strcmp(sum->left[i].why, why) == 0) {
			sum->left[i].why = why;
			sum->left[i].n++;
			return;
		}
	}
}

static void segment_survey(const struct patch_text *t, struct tally *sum)
{
	ZydisDecodedInstruction insn;

	for (size_t at = 0, len; at < t->len; at += len) {
		struct patch_plan plan;

		len = decode(t->bytes + at, t->len - at, &insn);
		if (len == 0) {
			len = 1;
			continue;
		}
		if (insn.mnemonic != ZYDIS_MNEMONIC_SYSCALL)
			continue;
		sum->sites++;
		patch_before(t, t->off + at, &plan);
		if (plan.kind == PATCH_BEFORE) {
			sum->before++;
		} else {
			const char *why = plan.why;

			patch_gap(t, t->off + at, NULL, 0, &plan);
			sum->gap += plan.kind != PATCH_NONE;
			if (plan.kind == PATCH_NONE)
				tally_left(sum, why);
		}
		if (plan.kind != PATCH_NONE)
			plan_check(t, &plan);
	}
}

/* Every syscall instruction of a file.  False: there is no such file here. */
static bool file_survey(const char *path, struct tally *sum)
{
	int fd = open(path, O_RDONLY);
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	struct stat st;

	*sum = (struct tally){0};
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	eh = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	cr_assert_neq(eh, MAP_FAILED);
	ph = (const void *)((const char *)eh + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++) {
		struct patch_text t = {(const uint8_t *)eh + ph[i].p_offset, ph[i].p_offset,
				       ph[i].p_filesz};

		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X))
			segment_survey(&t, sum);
	}
	munmap((void *)eh, (size_t)st.st_size);
	printf("%s: %u sites, %u by the instruction before, %u by dead bytes\n", path, sum->sites,
	       sum->before, sum->gap);
	for (int i = 0; i < 12 && sum->left[i].why != NULL; i++)
		printf("    %u left alone: %s\n", sum->left[i].n, sum->left[i].why);
	return true;
}

static void setup(void)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

Test(patch, most_sites_of_this_host_s_libraries_can_be_rewritten, .init = setup)
{
	static const char *const paths[] = {
	    "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/bin/busybox",
	    "/lib/ld-musl-x86_64.so.1",	       "/usr/lib/go-1.19/bin/go",     "/usr/bin/node",
	};
	struct tally sum;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (file_survey(paths[i], &sum) && sum.sites > 10)
			cr_assert_gt((sum.before + sum.gap) * 10, sum.sites * 8, "%s", paths[i]);
	}
}

/* Text of one page: nops, then the bytes, so that they end at 0x800; `ret` and padding behind. */
static uint8_t page_bytes[4096];

static struct patch_text text_with(const void *bytes, size_t len, uint64_t *sys)
{
	memset(page_bytes, 0xcc, sizeof(page_bytes));
	memset(page_bytes + 0x400, 0x90, 0x400 - len);
	memcpy(page_bytes + 0x800 - len, bytes, len);
	page_bytes[0x800] = 0xc3;
	*sys = 0x800 - 2;
	return (struct patch_text){page_bytes, 0, sizeof(page_bytes)};
}

#define TEXT(s) text_with(s, sizeof(s) - 1, &sys)

static const char *why_not(const struct patch_text *t, uint64_t sys)
{
	struct patch_plan plan;

	patch_before(t, sys, &plan);
	cr_assert_eq(plan.kind, PATCH_NONE);
	return plan.why;
}

Test(patch, the_number_is_known, .init = setup)
{
	struct patch_plan plan;
	uint64_t sys;
	struct patch_text t = TEXT("\xb8\x6e\0\0\0\x0f\x05");

	patch_before(&t, sys, &plan);
	cr_assert_eq(plan.kind, PATCH_BEFORE);
	cr_assert_eq(plan.nr, 110);
	cr_assert_eq(plan.start, sys - 5);
	cr_assert_eq(plan.displaced_len, 5);
	plan_check(&t, &plan);
	t = TEXT("\x48\xc7\xc0\x27\0\0\0\x0f\x05"); /* mov $39,%rax: Go */
	patch_before(&t, sys, &plan);
	cr_assert_eq(plan.kind, PATCH_BEFORE);
	cr_assert_eq(plan.nr, 39);
	plan_check(&t, &plan);
}

Test(patch, other_instructions_may_make_room, .init = setup)
{
	struct patch_plan plan;
	uint64_t sys;
	struct patch_text t = TEXT("\x4c\x8b\x4c\x24\x08\x0f\x05"); /* glibc's syscall() */

	patch_before(&t, sys, &plan);
	cr_assert_eq(plan.kind, PATCH_BEFORE);
	cr_assert_eq(plan.nr, -1);
	plan_check(&t, &plan);
}

Test(patch, what_looks_like_a_mov_is_not_one, .init = setup)
{
	uint64_t sys;
	struct patch_text t = TEXT("\x41\xb8\x6e\0\0\0\x0f\x05"); /* mov $110,%r8d */
	struct patch_plan plan;

	patch_before(&t, sys, &plan);
	cr_assert_eq(plan.nr, -1);
	cr_assert(plan.kind == PATCH_NONE || plan.displaced_len == 6, "the whole of it");
	t = TEXT("\x48\xb8\x6e\0\0\0\x0f\x05"); /* the tail of movabs $...,%rax */
	patch_before(&t, sys, &plan);
	cr_assert_eq(plan.kind, PATCH_NONE);
}

Test(patch, what_depends_on_its_place_stays, .init = setup)
{
	uint64_t sys;
	struct patch_text t = TEXT("\x48\x8b\x05\1\0\0\0\x0f\x05"); /* mov 1(%rip),%rax */

	why_not(&t, sys);
	t = TEXT("\xe8\1\0\0\0\x0f\x05"); /* call */
	why_not(&t, sys);
	t = TEXT("\x0f\x84\1\0\0\0\x0f\x05"); /* je */
	why_not(&t, sys);
	t = TEXT("\x65\x48\x8b\x04\x25\0\0\0\0\x0f\x05"); /* mov %gs:0,%rax */
	why_not(&t, sys);
	t = TEXT("\xb8\xf\0\0\0\x0f\x05");
	cr_assert_str_eq(why_not(&t, sys), "unwinders know rt_sigreturn by its bytes");
	t = TEXT("\x31\xc0\x0f\x05");
	cr_assert_str_eq(why_not(&t, sys), "the instruction before it is too short");
}

Test(patch, nothing_crosses_a_page, .init = setup)
{
	static uint8_t two[8192];
	struct patch_text t = {two, 0, sizeof(two)};

	memset(two, 0x90, sizeof(two));
	for (uint64_t start = 4096 - 7; start < 4096 + 1; start++) {
		struct patch_plan plan;

		memset(two, 0x90, sizeof(two));
		memcpy(two + start, "\xb8\x6e\0\0\0\x0f\x05", 7);
		patch_before(&t, start + 5, &plan);
		cr_assert_eq(plan.kind == PATCH_BEFORE, start + 7 <= 4096 || start >= 4096);
	}
}

Test(patch, dead_bytes_must_be_dead, .init = setup)
{
	struct patch_plan plan;
	uint64_t sys;
	struct patch_text t = TEXT("\x31\xc0\x0f\x05");

	patch_gap(&t, sys, NULL, 0, &plan);
	cr_assert_eq(plan.kind, PATCH_GAP);
	plan_check(&t, &plan);

	struct patch_piece taken[2] = {{0x801, 15, {0}}, {0, 0, {0}}};

	patch_gap(&t, sys, taken, 2, &plan);
	cr_assert_eq(plan.kind, PATCH_NONE, "taken by another site");

	const uint32_t rel = 0x803 - 0x205;

	page_bytes[0x200] = 0xe9; /* somewhere there is a jump into them */
	memcpy(page_bytes + 0x201, &rel, 4);
	patch_gap(&t, sys, NULL, 0, &plan);
	cr_assert_eq(plan.kind, PATCH_NONE, "they are the target of a jump");
	t = TEXT("\x31\xc0\x0f\x05");
	page_bytes[0x800] = 0x90; /* no ret: the padding is code */
	patch_gap(&t, sys, NULL, 0, &plan);
	cr_assert_eq(plan.kind, PATCH_NONE, "they are reached from before");
}

/* No bytes make it read or write out of bounds (run with the sanitizers). */
Test(patch, noise, .init = setup)
{
	uint32_t seed = 12345;

	for (int round = 0; round < 3000; round++) {
		size_t len = 1 + (seed >> 8) % 400;
		uint8_t *bytes = malloc(len);
		struct patch_text t = {bytes, 0x1000 + (seed >> 4) % 5000, len};

		cr_assert(bytes != NULL);
		for (size_t i = 0; i < len; i++) {
			static const uint8_t likely[] = {0x0f, 0x05, 0xb8, 0,
							 0x90, 0xc3, 0xeb, 0x48};

			seed = seed * 1103515245 + 12345;
			bytes[i] =
			    seed >> 28 < 10 ? likely[(seed >> 20) % 8] : (uint8_t)(seed >> 16);
		}
		for (uint64_t off = t.off; off < t.off + len + 4; off++) {
			struct patch_plan plan;

			patch_before(&t, off, &plan);
			if (plan.kind == PATCH_NONE)
				patch_gap(&t, off, NULL, 0, &plan);
			if (plan.kind != PATCH_NONE)
				plan_check(&t, &plan);
		}
		free(bytes);
	}
}
