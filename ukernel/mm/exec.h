/*
 * exec.h - what the files of execve share: the new address space while it is being planned.
 *
 * Nothing is ordered from the machine until the whole plan stands, and nothing of the old program
 * is given up until the machine has carried it out.
 */
#ifndef MM_EXEC_H
#define MM_EXEC_H

#include "machine.h"
#include "mm/elf.h"

struct exec_args;
struct file;
struct mm;
struct task;

struct exec_space {
	struct mm *mm;
	struct vm_op *ops;
	unsigned nops, ops_max;
	/* Bytes to clear behind the file's part of a segment. */
	struct exec_zero {
		uaddr_t addr;
		size_t len;
	} * zero;
	unsigned nzero;
	uaddr_t bias, entry; /* of the program */
	uaddr_t base, start; /* of the interpreter (0: none); where execution starts */
	uaddr_t phdr;
	unsigned phnum;
	/* The first stack: sp, and what lies from there to the top. */
	uaddr_t sp;
	char *stack;
	size_t stack_len;
	uaddr_t arg_start, arg_end, env_start, env_end, auxv_start;
	size_t auxv_len;
};

/* load.c: plan the mappings of prog and interp (NULL: none).  0 or -errno. */
int exec_load(struct task *t, struct exec_space *sp, struct file *prog,
	      const struct elf_image *prog_img, struct file *interp,
	      const struct elf_image *interp_img);
/* Plan one mapping that replaces what is there; file may be NULL. */
int exec_map(struct task *t, struct exec_space *sp, uaddr_t addr, uint64_t len, int prot,
	     uint32_t region_flags, struct file *file, uint64_t off);
/* stack.c: the bytes of the first stack, then its mapping.  Needs everything above done; the stack
 * region itself is planned by exec_stack_reserve before exec_load. */
int exec_stack_reserve(struct task *t, struct exec_space *sp, const struct exec_args *args,
		       bool executable);
int exec_stack_fill(struct task *t, struct exec_space *sp, const struct exec_args *args);

/* args.c: argv and envp out of the guest, in one block.  0, -E2BIG, -EFAULT, -ENOMEM. */
int exec_args_read(struct task *t, uaddr_t argv, uaddr_t envp, size_t filename_len,
		   struct exec_args *out);
void exec_args_free(struct exec_args *args);
#endif
