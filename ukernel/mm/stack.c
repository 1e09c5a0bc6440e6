/*
 * stack.c - a new program's first stack: strings, auxiliary vector, pointers (System V ABI, AMD64
 * supplement 3.4.1), laid out as Linux does.
 */
#include "kern/cred.h"
#include "kern/signal.h"
#include "kern/task.h"
#include "mm/exec.h"
#include "mm/mm.h"
#include "mm/region.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

#define STACK_EXPAND (128UL << 10) /* room below the strings at the start, as Linux */
#define CLOCK_TICKS  100	   /* sysconf(_SC_CLK_TCK) */

static const char platform[] = "x86_64";

/* From the top: a null word, the file name, the environment, the arguments. */
static uint64_t strings_size(const struct exec_args *args)
{
	uint64_t n = 8 + strlen(args->filename) + 1;

	for (int i = 0; i < args->argc; i++)
		n += strlen(args->argv[i]) + 1;
	for (int i = 0; i < args->envc; i++)
		n += strlen(args->envp[i]) + 1;
	return n;
}

#define AUXV_PAIRS 24

/* Everything below the strings, at most. */
static uint64_t vectors_size(const struct exec_args *args)
{
	return 8192 + 64 + sizeof(platform) + 16 +
	       8 * (1 + args->argc + 1 + args->envc + 1 + 2 * AUXV_PAIRS);
}

int exec_stack_reserve(struct task *t, struct exec_space *sp, const struct exec_args *args,
		       bool executable)
{
	uint64_t limit = rlimit_now(t, RLIMIT_STACK) & PAGE_MASK;
	uint64_t need = page_align_up(strings_size(args) + vectors_size(args));
	uint64_t len = page_align_up(strings_size(args)) + STACK_EXPAND;
	int prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);

	if (len > limit)
		len = limit;
	if (len < need)
		len = need;
	return exec_map(t, sp, sp->mm->stack_top - len, len, prot, REGION_GROWSDOWN, NULL, 0);
}

struct pen {
	char *buf; /* holds guest addresses [base, top) */
	uaddr_t base, top;
	uaddr_t at;
};

static void *pen_at(struct pen *p, uaddr_t addr)
{
	return p->buf + (addr - p->base);
}

static uaddr_t put_string(struct pen *p, const char *s)
{
	size_t len = strlen(s) + 1;
	uaddr_t at = p->at;

	memcpy(pen_at(p, at), s, len);
	p->at += len;
	return at;
}

static void put_word(struct pen *p, uint64_t w)
{
	memcpy(pen_at(p, p->at), &w, sizeof(w));
	p->at += sizeof(w);
}

static void put_aux(struct pen *p, uint64_t type, uint64_t value)
{
	put_word(p, type);
	put_word(p, value);
}

static void put_auxv(struct task *t, struct exec_space *sp, struct pen *p, uaddr_t random,
		     uaddr_t execfn, uaddr_t plat)
{
	const struct cred *c = t->cred;

	sp->auxv_start = p->at;
	if (machine_info.vdso_lo)
		put_aux(p, AT_SYSINFO_EHDR, machine_info.vdso_lo);
	put_aux(p, AT_MINSIGSTKSZ, signal_frame_max());
	put_aux(p, AT_HWCAP, getauxval(AT_HWCAP));
	put_aux(p, AT_PAGESZ, PAGE_SIZE);
	put_aux(p, AT_CLKTCK, CLOCK_TICKS);
	put_aux(p, AT_PHDR, sp->phdr);
	put_aux(p, AT_PHENT, sizeof(Elf64_Phdr));
	put_aux(p, AT_PHNUM, sp->phnum);
	put_aux(p, AT_BASE, sp->base);
	put_aux(p, AT_FLAGS, 0);
	put_aux(p, AT_ENTRY, sp->entry);
	put_aux(p, AT_UID, c->uid);
	put_aux(p, AT_EUID, c->euid);
	put_aux(p, AT_GID, c->gid);
	put_aux(p, AT_EGID, c->egid);
	/* Set-uid bits do nothing here, as under no_new_privs. */
	put_aux(p, AT_SECURE, 0);
	put_aux(p, AT_RANDOM, random);
	put_aux(p, AT_HWCAP2, getauxval(AT_HWCAP2));
	put_aux(p, AT_EXECFN, execfn);
	put_aux(p, AT_PLATFORM, plat);
	put_aux(p, AT_NULL, 0);
	sp->auxv_len = p->at - sp->auxv_start;
}

static void put_vectors(struct task *t, struct exec_space *sp, struct pen *p,
			const struct exec_args *args, uaddr_t execfn)
{
	uaddr_t at = sp->arg_start, random, plat;
	uint8_t shift[2];

	if (!(t->proc->personality & ADDR_NO_RANDOMIZE)) {
		mm_random(shift, sizeof(shift));
		at -= (shift[0] | shift[1] << 8) & 8191;
	}
	at &= ~15UL;
	p->at = plat = at - sizeof(platform);
	put_string(p, platform);
	random = plat - 16;
	mm_random(pen_at(p, random), 16);
	sp->sp = (random - 8 * (1 + args->argc + 1 + args->envc + 1 + 2 * AUXV_PAIRS)) & ~15UL;
	p->at = sp->sp;
	put_word(p, args->argc);
	at = sp->arg_start;
	for (int i = 0; i < args->argc; i++) {
		put_word(p, at);
		at += strlen(args->argv[i]) + 1;
	}
	put_word(p, 0);
	for (int i = 0; i < args->envc; i++) {
		put_word(p, at);
		at += strlen(args->envp[i]) + 1;
	}
	put_word(p, 0);
	put_auxv(t, sp, p, random, execfn, plat);
}

int exec_stack_fill(struct task *t, struct exec_space *sp, const struct exec_args *args)
{
	uint64_t size = strings_size(args) + vectors_size(args);
	struct pen p = {.top = sp->mm->stack_top, .base = sp->mm->stack_top - size};
	uaddr_t execfn;

	p.buf = calloc(1, size);
	if (!p.buf)
		return -ENOMEM;
	p.at = sp->arg_start = p.top - strings_size(args);
	for (int i = 0; i < args->argc; i++)
		put_string(&p, args->argv[i]);
	sp->arg_end = sp->env_start = p.at;
	for (int i = 0; i < args->envc; i++)
		put_string(&p, args->envp[i]);
	sp->env_end = p.at;
	execfn = put_string(&p, args->filename);
	put_vectors(t, sp, &p, args, execfn);
	sp->mm->stack_start = sp->sp;
	sp->stack_len = p.top - sp->sp;
	memmove(p.buf, pen_at(&p, sp->sp), sp->stack_len);
	sp->stack = p.buf;
	return 0;
}
