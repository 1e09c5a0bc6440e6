/*
 * ehframe.c - do a program's own unwind tables know a place as a signal handler's way back?
 *
 * Who unwinds a stack looks at the bytes of such a place only where there is no table for it.  So
 * where there is one, and it can be found as unwinders find it, the bytes may change.  They find it
 * by .eh_frame_hdr.  A static program mostly has none: then its unwinder, if it has one, knows the
 * tables in .eh_frame because the program's first act was to tell it; if not, it knows none of the
 * program's functions and never gets as far as a signal's frame.
 *
 * The file is a guest's: every offset that it names is only ever one to pread() from, and every
 * loop is bounded by what is asked for.  Encodings other than those that linkers write for x86-64
 * are left alone.
 *
 * LSB "DWARF Extensions", "Exception Frame Header"; the augmentation S is GNU's.
 */
#include "ehframe.h"

#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PHDRS_MAX  64
#define SHDRS_MAX  128
#define TABLES_MAX (8UL << 20)

/* DW_EH_PE_...: 4 bytes each; relative to where they are, not at all, to the header */
#define PCREL_S4   0x1b
#define UDATA4	   0x03
#define DATAREL_S4 0x3b

#define CIE_MAX 64 /* bytes of one that are looked at */

struct image {
	int fd;
	Elf64_Ehdr eh;
	unsigned phdrs;
	Elf64_Phdr phdr[PHDRS_MAX];
};

struct hdr {
	uint8_t version, ptr_enc, count_enc, table_enc;
	int32_t ptr;
	uint32_t count;
};

struct hdr_entry {
	int32_t start, fde; /* relative to the header */
};

struct fde {
	uint32_t len, cie; /* cie: how far before itself */
	int32_t start;	   /* relative to itself */
	uint32_t range;
};

static bool get(const struct image *im, uint64_t off, void *to, size_t len)
{
	return off <= INT64_MAX - len && pread(im->fd, to, len, (off_t)off) == (ssize_t)len;
}

static bool image_open(struct image *im, int fd)
{
	const Elf64_Ehdr *eh = &im->eh;

	im->fd = fd;
	if (!get(im, 0, &im->eh, sizeof(im->eh)) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_phentsize != sizeof(Elf64_Phdr) ||
	    eh->e_phnum > PHDRS_MAX)
		return false;
	im->phdrs = eh->e_phnum;
	return get(im, eh->e_phoff, im->phdr, im->phdrs * sizeof(im->phdr[0]));
}

/* Between places in the file and addresses. */
static bool address_of(const struct image *im, uint64_t off, uint64_t *address)
{
	for (unsigned i = 0; i < im->phdrs; i++) {
		const Elf64_Phdr *p = &im->phdr[i];

		if (p->p_type == PT_LOAD && off - p->p_offset < p->p_filesz) {
			*address = p->p_vaddr + (off - p->p_offset);
			return true;
		}
	}
	return false;
}

static bool offset_of(const struct image *im, uint64_t address, uint64_t *off)
{
	for (unsigned i = 0; i < im->phdrs; i++) {
		const Elf64_Phdr *p = &im->phdr[i];

		if (p->p_type == PT_LOAD && address - p->p_vaddr < p->p_filesz) {
			*off = p->p_offset + (address - p->p_vaddr);
			return true;
		}
	}
	return false;
}

static const Elf64_Phdr *hdr_find(const struct image *im)
{
	for (unsigned i = 0; i < im->phdrs; i++) {
		if (im->phdr[i].p_type == PT_GNU_EH_FRAME)
			return &im->phdr[i];
	}
	return NULL;
}

/* The address of the last entry that begins at or before address, by the sorted table in p. */
static bool entry_find(const struct image *im, const Elf64_Phdr *p, uint64_t address,
		       uint64_t *entry)
{
	uint32_t lo = 0, hi;
	struct hdr_entry e;
	struct hdr hdr;

	if (!get(im, p->p_offset, &hdr, sizeof(hdr)) || hdr.version != 1 ||
	    hdr.ptr_enc != PCREL_S4 || hdr.count_enc != UDATA4 || hdr.table_enc != DATAREL_S4)
		return false;
	for (hi = hdr.count; lo < hi;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (!get(im, p->p_offset + sizeof(hdr) + (uint64_t)mid * sizeof(e), &e, sizeof(e)))
			return false;
		if (p->p_vaddr + (uint64_t)(int64_t)e.start <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || !get(im, p->p_offset + sizeof(hdr) + (lo - 1UL) * sizeof(e), &e, sizeof(e)))
		return false;
	*entry = p->p_vaddr + (uint64_t)(int64_t)e.fde;
	return true;
}

static bool covers(const struct fde *fde, uint64_t at, uint64_t first, uint64_t len)
{
	uint64_t start = at + offsetof(struct fde, start) + (uint64_t)(int64_t)fde->start;

	return fde->cie != 0 && first >= start && first + len - start <= fde->range;
}

static bool section_find(const struct image *im, Elf64_Shdr *out)
{
	Elf64_Shdr all[SHDRS_MAX];
	unsigned n = im->eh.e_shnum;
	char name[sizeof(".eh_frame")];

	if (im->eh.e_shentsize != sizeof(all[0]) || n > SHDRS_MAX || im->eh.e_shstrndx >= n ||
	    !get(im, im->eh.e_shoff, all, n * sizeof(all[0])))
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = all[im->eh.e_shstrndx].sh_offset + all[i].sh_name;

		*out = all[i];
		if (get(im, at, name, sizeof(name)) && memcmp(name, ".eh_frame", sizeof(name)) == 0)
			return true;
	}
	return false;
}

/* The same by looking at all of them, in the section. */
static bool entry_search(const struct image *im, uint64_t first, uint64_t len, uint64_t *entry)
{
	struct fde fde = {0};
	uint64_t size, at;
	Elf64_Shdr section;
	uint8_t *bytes;
	bool found = false;

	if (!section_find(im, &section) || section.sh_size > TABLES_MAX)
		return false;
	size = section.sh_size;
	bytes = malloc(size + 1);
	if (bytes == NULL || !get(im, section.sh_offset, bytes, size))
		size = 0;
	for (at = 0; !found && size >= sizeof(fde) && at <= size - sizeof(fde);
	     at += fde.len + 4UL) {
		memcpy(&fde, bytes + at, sizeof(fde));
		if (fde.len == 0 || fde.len > size)
			break;
		*entry = section.sh_addr + at;
		found = covers(&fde, *entry, first, len);
	}
	free(bytes);
	return found;
}

static const uint8_t *leb_skip(const uint8_t *at, const uint8_t *end)
{
	while (at < end && *at++ & 0x80)
		;
	return at;
}

/* Of frames of signals, with addresses in the one form that struct fde has? */
static bool cie_fits(const struct image *im, uint64_t off)
{
	uint8_t bytes[CIE_MAX + 1] = {0};
	const uint8_t *at = bytes + 8, *end = bytes + CIE_MAX;
	const char *augmentation = (const char *)bytes + 9;
	uint32_t id;

	if (off > INT64_MAX - CIE_MAX || pread(im->fd, bytes, CIE_MAX, (off_t)off) < 16)
		return false;
	memcpy(&id, bytes + 4, sizeof(id));
	if (id != 0 || (*at != 1 && *at != 3) || strlen(augmentation) > 8 ||
	    augmentation[0] != 'z' || strchr(augmentation, 'S') == NULL)
		return false;
	at += 1 + strlen(augmentation) + 1;
	at = leb_skip(at, end); /* factors of code, of data; the return address; the length */
	at = leb_skip(at, end);
	at = leb_skip(at, end);
	at = leb_skip(at, end);
	for (const char *a = augmentation + 1; *a != 0 && at < end; a++) {
		if (*a == 'R')
			return *at == PCREL_S4;
		if (*a == 'L')
			at++;
		else if (*a != 'S')
			return false;
	}
	return false;
}

bool ehframe_signal(int fd, uint64_t from, uint64_t to)
{
	uint64_t first, entry, off;
	const Elf64_Phdr *hdr;
	struct image im;
	struct fde fde;

	if (!image_open(&im, fd) || !address_of(&im, from, &first))
		return false;
	hdr = hdr_find(&im);
	if (hdr != NULL ? !entry_find(&im, hdr, first, &entry)
			: !entry_search(&im, first, to - from, &entry))
		return false;
	return offset_of(&im, entry, &off) && get(&im, off, &fde, sizeof(fde)) &&
	       fde.len >= sizeof(fde) - 4 && covers(&fde, entry, first, to - from) &&
	       fde.cie <= off + 4 && cie_fits(&im, off + 4 - fde.cie);
}
