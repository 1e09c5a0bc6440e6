/*
 * elf_test.c - the ELF parser and the "#!" parser: what they read out of good input, and a fixed
 * series of bad ones.
 */
#include "fuzz_elf.c"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>

TestSuite(elf, .timeout = 30);

struct sample {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[6];
};

static struct sample good(void)
{
	struct sample s = {
	    .eh = {.e_type = ET_DYN,
		   .e_machine = EM_X86_64,
		   .e_entry = 0x1040,
		   .e_phoff = sizeof(Elf64_Ehdr),
		   .e_phentsize = sizeof(Elf64_Phdr),
		   .e_phnum = 6},
	    .ph = {{PT_PHDR, PF_R, 64, 64, 64, 336, 336, 8},
		   {PT_INTERP, PF_R, 0x318, 0x318, 0x318, 28, 28, 1},
		   {PT_LOAD, PF_R, 0, 0, 0, 0x600, 0x600, 0x1000},
		   {PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x1000, 0x200, 0x200, 0x4000},
		   {PT_LOAD, PF_R | PF_W, 0x2df0, 0x3df0, 0x3df0, 0x220, 0x9000, 0x1000},
		   {PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16}},
	};

	memcpy(s.eh.e_ident, ELFMAG, SELFMAG);
	s.eh.e_ident[EI_CLASS] = ELFCLASS64;
	return s;
}

static int parse(const struct sample *s, struct elf_image *img)
{
	uint64_t phoff;
	size_t size;
	int err = elf_header(s, sizeof(*s), &phoff, &size);

	if (err)
		return err;
	cr_assert(phoff + size <= sizeof(*s));
	return elf_parse(s, (const char *)s + phoff, USER_HI, img);
}

Test(elf, reads_a_good_file)
{
	struct sample s = good();
	struct elf_image img;

	cr_assert_eq(parse(&s, &img), 0);
	cr_assert_eq(img.unloadable, 0);
	cr_assert(img.dyn && !img.stack_exec);
	cr_assert_eq(img.nseg, 3);
	cr_assert_eq(img.lo, 0);
	cr_assert_eq(img.hi, 0xd000);
	cr_assert_eq(img.align, 0x4000);
	cr_assert_eq(img.phdr, 64);
	cr_assert_eq(img.interp_off, 0x318);
	cr_assert_eq(img.interp_len, 28);
	cr_assert_eq(img.data_size, 0x220);
	elf_finish(&img);
}

#define REFUSED(error, change)                                                                     \
	do {                                                                                       \
		struct sample s = good();                                                          \
		struct elf_image img;                                                              \
		change;                                                                            \
		cr_assert_eq(parse(&s, &img), error, #change);                                     \
	} while (0)

/* Accepted now, but execve will fail past its point of no return. */
#define UNLOADABLE(change)                                                                         \
	do {                                                                                       \
		struct sample s = good();                                                          \
		struct elf_image img;                                                              \
		change;                                                                            \
		cr_assert_eq(parse(&s, &img), 0, #change);                                         \
		cr_assert_lt(img.unloadable, 0, #change);                                          \
		elf_finish(&img);                                                                  \
	} while (0)

Test(elf, refuses_bad_files)
{
	REFUSED(-ENOEXEC, s.eh.e_ident[1] = 'X');
	REFUSED(-ENOEXEC, s.eh.e_machine = EM_386);
	REFUSED(-ENOEXEC, s.eh.e_type = ET_REL);
	REFUSED(-ENOEXEC, s.eh.e_phentsize = 32);
	REFUSED(-ENOEXEC, s.eh.e_phnum = 0);
	REFUSED(-ENOEXEC, s.eh.e_phnum = 0xffff);
	REFUSED(-ENOEXEC, s.eh.e_phoff = -16UL);
	REFUSED(-ENOEXEC, s.ph[1].p_filesz = 1);
	REFUSED(-ENOEXEC, s.ph[1].p_filesz = 4097);
	UNLOADABLE(s.ph[4].p_filesz = 0x10000);
	UNLOADABLE(s.ph[4].p_memsz = -1UL);
	UNLOADABLE(s.ph[4].p_vaddr = USER_HI - 0xdf0);
	UNLOADABLE(s.ph[4].p_vaddr = -0x1210UL);
	UNLOADABLE(s.ph[3].p_offset = 0x1001);
	UNLOADABLE(s.ph[2].p_type = s.ph[3].p_type = s.ph[4].p_type = PT_NULL);
}

Test(elf, survives_mutations)
{
	uint64_t seed = 2024;
	struct sample s;

	for (int i = 0; i < 200000; i++) {
		size_t len;

		s = good();
		for (int n = 0; n < 1 + i % 5; n++) {
			uint8_t *p = (uint8_t *)&s;
			static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};

			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			p += (seed >> 33) % sizeof(s);
			*p = seed & 1 << 20 ? edges[(seed >> 40) % 5] : (uint8_t)(seed >> 50);
		}
		len = seed & 1 << 22 ? sizeof(s) : (seed >> 24) % sizeof(s);
		LLVMFuzzerTestOneInput((const uint8_t *)&s, len);
	}
}

static void script(const char *line, int error, const char *interp, const char *arg)
{
	char head[SCRIPT_HEAD + 2] = {0};
	size_t len = strlen(line) < SCRIPT_HEAD ? strlen(line) : SCRIPT_HEAD;
	char *got_interp, *got_arg;

	memcpy(head, line, len);
	cr_assert_eq(script_parse(head, len, &got_interp, &got_arg), error, "%s", line);
	if (error)
		return;
	cr_assert_str_eq(got_interp, interp);
	cr_assert_eq(!arg, !got_arg);
	if (arg)
		cr_assert_str_eq(got_arg, arg);
}

Test(elf, script_lines)
{
	char line[600];

	script("#!/bin/sh\nrest", 0, "/bin/sh", NULL);
	script("#!/bin/sh", 0, "/bin/sh", NULL);
	script("#! \t/bin/sh  -e  -x \nrest", 0, "/bin/sh", "-e  -x");
	script("#!/bin/sh \n", 0, "/bin/sh", NULL);
	script("#!\n", -ENOEXEC, NULL, NULL);
	script("#!   \n", -ENOEXEC, NULL, NULL);
	script("#!", -EACCES, NULL, NULL);
	script("#!  ", -EACCES, NULL, NULL);
	/* A name that the first 256 bytes cut is no name; a cut argument is just shorter. */
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	memcpy(line, "#!/", 3);
	script(line, -ENOEXEC, NULL, NULL);
	line[50] = ' ';
	{
		char want_interp[64] = "", want_arg[256] = "";

		memcpy(want_interp, line + 2, 48);
		memcpy(want_arg, line + 51, SCRIPT_HEAD - 51);
		script(line, 0, want_interp, want_arg);
	}
}

Test(elf, survives_script_mutations)
{
	static const char bytes[] = "#!/ \t\nab\0";
	uint64_t seed = 7;
	uint8_t line[300];

	for (int i = 0; i < 100000; i++) {
		size_t len = 2 + i % (sizeof(line) - 2);

		for (size_t n = 0; n < len; n++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			line[n] = bytes[(seed >> 40) % sizeof(bytes)];
		}
		memcpy(line, "#!", 2);
		LLVMFuzzerTestOneInput(line, len);
	}
}
