/*
 * fuzz_elf.c - the ELF parser and the "#!" parser on arbitrary bytes.
 *
 * As a libFuzzer target: make fuzz (clang).  elf_test.c runs the same function over a fixed series
 * of mutations, so that every `make test` does some of it.
 */
#include "machine.h"
#include "mm/elf.h"
#include "mm/script.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define USER_HI 0x7ffffffff000UL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(int truth)
{
	if (!truth)
		abort();
}

static void check_image(const struct elf_image *img)
{
	must(img->phnum >= 1 && img->nseg <= img->phnum);
	must(img->align >= PAGE_SIZE && !(img->align & (img->align - 1)));
	must(img->interp_len <= 4096 && img->interp_len != 1);
	if (img->unloadable) {
		must(img->unloadable < 0);
		return;
	}
	must(img->nseg > 0 && img->lo < img->hi && img->hi <= USER_HI + PAGE_SIZE);
	must(!(img->lo & ~PAGE_MASK) && !(img->hi & ~PAGE_MASK));
	for (unsigned i = 0; i < img->nseg; i++) {
		const struct elf_segment *s = &img->seg[i];

		must(s->filesz <= s->memsz && s->memsz <= USER_HI);
		must(s->vaddr >= img->lo && s->vaddr + s->memsz <= img->hi);
		must(!(s->prot & ~7));
		if (s->filesz)
			must((s->off & ~PAGE_MASK) == (s->vaddr & ~PAGE_MASK) &&
			     s->off + s->filesz > s->off);
	}
}

static void fuzz_elf(const uint8_t *data, size_t len)
{
	struct elf_image img;
	uint64_t phoff;
	size_t size;

	if (elf_header(data, len, &phoff, &size))
		return;
	must(size > 0 && size <= ELF_PHDRS_MAX && phoff + size > phoff);
	if (phoff > len || size > len - phoff)
		return;
	/* Exactly as long as promised, so that reading on is seen. */
	uint8_t *head = malloc(ELF_HEADER_SIZE), *phdrs = malloc(size);

	memcpy(head, data, ELF_HEADER_SIZE);
	memcpy(phdrs, data + phoff, size);
	if (elf_parse(head, phdrs, USER_HI, &img) == 0) {
		check_image(&img);
		elf_finish(&img);
	}
	free(phdrs);
	free(head);
}

static void fuzz_script(const uint8_t *data, size_t len)
{
	char *interp, *arg, *head;

	if (len < 2 || memcmp(data, "#!", 2))
		return;
	if (len > SCRIPT_HEAD)
		len = SCRIPT_HEAD;
	head = calloc(1, len + 2);
	memcpy(head, data, len);
	if (script_parse(head, len, &interp, &arg) == 0) {
		must(interp > head && *interp && interp + strlen(interp) <= head + len);
		if (arg)
			must(arg > interp && *arg && arg + strlen(arg) <= head + len);
	}
	free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_elf(data, len);
	fuzz_script(data, len);
	return 0;
}
