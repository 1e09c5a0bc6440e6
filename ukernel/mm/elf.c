/*
 * elf.c - reading ELF64 headers (System V ABI, AMD64 supplement; elf(5)), with the checks that
 * Linux makes.  It must not know where anything will be loaded.
 */
#include "mm/elf.h"

#include "machine.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int elf_header(const void *head, size_t len, uint64_t *phoff, size_t *phsize)
{
	Elf64_Ehdr eh;

	if (len < sizeof(eh))
		return -ENOEXEC;
	memcpy(&eh, head, sizeof(eh));
	/* The class is not looked at, as in Linux: the machine says it. */
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_machine != EM_X86_64 ||
	    (eh.e_type != ET_EXEC && eh.e_type != ET_DYN))
		return -ENOEXEC;
	if (eh.e_phentsize != sizeof(Elf64_Phdr) || !eh.e_phnum)
		return -ENOEXEC;
	*phsize = (size_t)eh.e_phnum * sizeof(Elf64_Phdr);
	if (*phsize > ELF_PHDRS_MAX || eh.e_phoff > INT64_MAX - *phsize)
		return -ENOEXEC;
	*phoff = eh.e_phoff;
	return 0;
}

static int segment_check(const Elf64_Phdr *ph, uint64_t user_hi)
{
	uint64_t in_page = ph->p_vaddr & ~PAGE_MASK;

	if (ph->p_filesz > ph->p_memsz || ph->p_memsz > user_hi || ph->p_vaddr >= user_hi ||
	    user_hi - ph->p_memsz < ph->p_vaddr)
		return -EINVAL;
	if (!ph->p_filesz)
		return 0;
	/* What mmap would refuse: file and memory must share the place in a page. */
	if ((ph->p_offset & ~PAGE_MASK) != in_page)
		return -EINVAL;
	if (ph->p_offset > INT64_MAX - ph->p_filesz - PAGE_SIZE)
		return -EOVERFLOW;
	return 0;
}

static void load_add(struct elf_image *img, const Elf64_Ehdr *eh, const Elf64_Phdr *ph,
		     uint64_t user_hi)
{
	struct elf_segment *s = &img->seg[img->nseg];
	uint64_t lo = ph->p_vaddr & PAGE_MASK, hi;

	if (!img->unloadable)
		img->unloadable = segment_check(ph, user_hi);
	if (img->unloadable)
		return;
	hi = (ph->p_vaddr + ph->p_memsz + PAGE_SIZE - 1) & PAGE_MASK;
	if (!img->nseg || lo < img->lo)
		img->lo = lo;
	if (hi > img->hi)
		img->hi = hi;
	if (ph->p_align > img->align && !(ph->p_align & (ph->p_align - 1)))
		img->align = ph->p_align;
	*s = (struct elf_segment){ph->p_vaddr, ph->p_offset, ph->p_filesz, ph->p_memsz,
				  (ph->p_flags & PF_R ? PROT_READ : 0) |
				      (ph->p_flags & PF_W ? PROT_WRITE : 0) |
				      (ph->p_flags & PF_X ? PROT_EXEC : 0)};
	if (s->prot & PROT_WRITE)
		img->data_size = s->filesz;
	if (eh->e_phoff >= ph->p_offset && eh->e_phoff - ph->p_offset < ph->p_filesz)
		img->phdr = eh->e_phoff - ph->p_offset + ph->p_vaddr;
	img->nseg++;
}

int elf_parse(const void *head, const void *phdrs, uint64_t user_hi, struct elf_image *out)
{
	Elf64_Ehdr eh;
	int err = 0;

	memcpy(&eh, head, sizeof(eh));
	*out = (struct elf_image){.dyn = eh.e_type == ET_DYN,
				  .entry = eh.e_entry,
				  .phnum = eh.e_phnum,
				  .align = PAGE_SIZE};
	out->seg = calloc(eh.e_phnum, sizeof(*out->seg));
	if (!out->seg)
		return -ENOMEM;
	for (unsigned i = 0; i < eh.e_phnum && !err; i++) {
		Elf64_Phdr ph;

		memcpy(&ph, (const char *)phdrs + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_LOAD) {
			load_add(out, &eh, &ph, user_hi);
		} else if (ph.p_type == PT_GNU_STACK) {
			out->stack_exec = ph.p_flags & PF_X;
		} else if (ph.p_type == PT_INTERP && !out->interp_len) {
			if (ph.p_filesz > PATH_MAX || ph.p_filesz < 2)
				err = -ENOEXEC;
			else if (ph.p_offset > INT64_MAX - PATH_MAX)
				err = -EINVAL;
			out->interp_off = ph.p_offset;
			out->interp_len = ph.p_filesz;
		}
	}
	/* Nothing to map and nowhere to be: Linux's total_mapping_size() of zero. */
	if (!out->unloadable && (!out->nseg || out->hi == out->lo))
		out->unloadable = -EINVAL;
	if (err)
		elf_finish(out);
	return err;
}

void elf_finish(struct elf_image *img)
{
	free(img->seg);
	img->seg = NULL;
	img->nseg = 0;
}
