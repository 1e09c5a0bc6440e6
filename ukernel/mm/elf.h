/*
 * elf.h - what an ELF file says about how it wants to be loaded.
 *
 * Parsing is a function of bytes alone: no file, no task, no guest.  The bytes are hostile.
 */
#ifndef MM_ELF_H
#define MM_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One PT_LOAD, as the file has it; nothing is page aligned yet. */
struct elf_segment {
	uint64_t vaddr, off, filesz, memsz;
	int prot;
};

struct elf_image {
	bool dyn;	/* ET_DYN: goes anywhere */
	uint64_t entry; /* not yet biased, as all addresses here */
	uint64_t phdr;	/* where the program headers will be in memory; 0: nowhere */
	unsigned phnum;
	struct elf_segment *seg; /* in file order; from malloc */
	unsigned nseg;
	uint64_t lo, hi;    /* page-aligned bounds of all segments */
	uint64_t align;	    /* the largest p_align of a segment, at least a page */
	uint64_t data_size; /* of the highest writable segment in the file, for RLIMIT_DATA */
	uint64_t interp_off, interp_len; /* PT_INTERP with its NUL; len 0: none */
	bool stack_exec;		 /* PT_GNU_STACK asks for it */
	/* The file passes the checks that execve makes before it gives up the old program, but
	 * cannot be mapped: the errno. */
	int unloadable;
};

/* The length of the ELF header, and the most that program headers may take (as Linux's limit). */
#define ELF_HEADER_SIZE 64
#define ELF_PHDRS_MAX	65536

/* The file's first len bytes: 0 and where its program headers are, or -ENOEXEC. */
int elf_header(const void *head, size_t len, uint64_t *phoff, size_t *phsize);

/* head as above, phdrs the phsize bytes at phoff; user_hi: the end of guest addresses.
 * 0, -ENOEXEC, -EINVAL or -ENOMEM. */
int elf_parse(const void *head, const void *phdrs, uint64_t user_hi, struct elf_image *out);
void elf_finish(struct elf_image *img);
#endif
