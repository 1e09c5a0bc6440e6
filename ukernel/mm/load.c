/*
 * load.c - from ELF segments to the plan of an address space.
 */
#include "fs/file.h"
#include "kern/task.h"
#include "mm/exec.h"
#include "mm/mm.h"
#include "mm/region.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
/* Linux's ELF_ET_DYN_BASE: two thirds of the way up its own TASK_SIZE. */
#define DYN_BASE	  0x555555554000UL
#define DYN_BASE_RND_BITS 28
#define BRK_RND_BITS	  18

static int file_ask(struct file *file, int prot, struct vm_op *op)
{
	if (!file)
		return 0;
	if (!file->ops->mmap)
		return -ENODEV;
	return file->ops->mmap(file, prot, false, &op->host_fd, &op->off);
}

static bool meets_special(struct mm *mm, uaddr_t start, uaddr_t end)
{
	struct region *r = region_overlap(mm, start, end);

	for (; r && r->start < end; r = r->next)
		if (r->flags & (REGION_HIDDEN | REGION_SPECIAL | REGION_GROWSDOWN))
			return true;
	return false;
}

int exec_map(struct task *t, struct exec_space *sp, uaddr_t addr, uint64_t len, int prot,
	     uint32_t region_flags, struct file *file, uint64_t off)
{
	struct vm_op op = {VM_MAP, addr, len, prot, MAP_PRIVATE, .host_fd = -1, .off = off};
	struct region_spare spare;
	struct region *r;
	int err = file_ask(file, prot, &op);

	if (err)
		return err;
	if (addr < machine_info.user_lo)
		return -EPERM;
	if (addr + len > machine_info.user_hi || meets_special(sp->mm, addr, addr + len))
		return -ENOMEM;
	err = mm_may_grow(t, sp->mm, len, prot, region_flags);
	if (err)
		return err;
	err = region_spare_fill(&spare, 2);
	if (err)
		return err;
	if (region_is_charged(prot, region_flags)) {
		err = memory_charge(len);
		if (err)
			goto out;
		region_flags |= REGION_ACCOUNT;
	}
	range_drop(sp->mm, addr, addr + len, &spare);
	r = spare.node[0] ? spare.node[0] : spare.node[1];
	if (r == spare.node[0])
		spare.node[0] = NULL;
	else
		spare.node[1] = NULL;
	r->start = addr;
	r->end = addr + len;
	r->prot = prot;
	r->may = PROT_ALL;
	r->flags = region_flags;
	region_show(r, file);
	r->off = file ? off : addr;
	range_add(sp->mm, r);
	assert(sp->nops < sp->ops_max);
	sp->ops[sp->nops++] = op;
out:
	region_spare_drop(&spare);
	return err;
}

static int segment_map(struct task *t, struct exec_space *sp, struct file *file,
		       const struct elf_segment *s, uaddr_t bias)
{
	uaddr_t start = s->vaddr + bias, file_end = start + s->filesz;
	uaddr_t map_lo = start & PAGE_MASK, map_hi = page_align_up(file_end);
	uaddr_t end = page_align_up(start + s->memsz);
	int err;

	if (!s->memsz)
		return 0;
	if (s->filesz) {
		err =
		    exec_map(t, sp, map_lo, map_hi - map_lo, s->prot, 0, file, s->off & PAGE_MASK);
		if (err)
			return err;
		/* The rest of the file's last page is not the program's (elf(5)). */
		if (s->memsz > s->filesz && (s->prot & PROT_WRITE) && map_hi > file_end)
			sp->zero[sp->nzero++] = (struct exec_zero){file_end, map_hi - file_end};
	} else {
		map_hi = map_lo;
	}
	if (end <= map_hi)
		return 0;
	return exec_map(t, sp, map_hi, end - map_hi, PROT_READ | PROT_WRITE | (s->prot & PROT_EXEC),
			0, NULL, 0);
}

static int image_map(struct task *t, struct exec_space *sp, struct file *file,
		     const struct elf_image *img, uaddr_t bias)
{
	for (unsigned i = 0; i < img->nseg; i++) {
		int err = segment_map(t, sp, file, &img->seg[i], bias);

		if (err)
			return err;
	}
	return 0;
}

/* A place for an image that has none of its own: *bias moves its addresses there. */
static int image_place(struct task *t, struct exec_space *sp, const struct elf_image *img,
		       bool high, uaddr_t *bias)
{
	uint64_t len = img->hi - img->lo, align = img->align, pad = align - PAGE_SIZE;
	int64_t at;

	if (align > machine_info.user_hi || len > machine_info.user_hi - align)
		return -ENOMEM;
	if (high) {
		uaddr_t want = DYN_BASE + place_random(t, DYN_BASE_RND_BITS);

		want &= ~(align - 1);
		if (want < machine_info.user_hi - len &&
		    !region_overlap(sp->mm, want, want + len)) {
			*bias = want - img->lo;
			return 0;
		}
	}
	at = place_choose(t, sp->mm, 0, len + pad, 0, false);
	if (at < 0)
		return at;
	*bias = ((at + pad) & ~(align - 1)) - img->lo;
	return 0;
}

/* interp: of the program, whose place it may take (MAP_FIXED). */
static int image_load(struct task *t, struct exec_space *sp, struct file *file,
		      const struct elf_image *img, bool high, bool interp, uaddr_t *bias)
{
	int err;

	*bias = 0;
	if (img->unloadable)
		return img->unloadable;
	if (img->dyn)
		err = image_place(t, sp, img, high, bias);
	else
		err = !interp && region_overlap(sp->mm, img->lo, img->hi) ? -EEXIST : 0;
	return err ? err : image_map(t, sp, file, img, *bias);
}

static void brk_place(struct task *t, struct mm *mm, const struct elf_image *img, uaddr_t end,
		      bool interp)
{
	uaddr_t brk = page_align_up(end);
	bool moved = img->dyn && !interp;

	/* A static PIE lies among the mappings, where a heap could not grow. */
	if (moved)
		brk = DYN_BASE + PAGE_SIZE;
	if (!(t->proc->personality & ADDR_NO_RANDOMIZE)) {
		if (!moved)
			brk += PAGE_SIZE;
		brk += place_random(t, BRK_RND_BITS);
	}
	mm->brk_start = mm->brk = brk;
	mm->data_size = img->data_size;
}

int exec_load(struct task *t, struct exec_space *sp, struct file *prog,
	      const struct elf_image *prog_img, struct file *interp,
	      const struct elf_image *interp_img)
{
	int err = image_load(t, sp, prog, prog_img, interp != NULL, false, &sp->bias);

	if (err)
		return err;
	sp->entry = sp->start = prog_img->entry + sp->bias;
	sp->phdr = prog_img->phdr ? prog_img->phdr + sp->bias : 0;
	sp->phnum = prog_img->phnum;
	if (interp) {
		err = image_load(t, sp, interp, interp_img, false, true, &sp->base);
		if (err)
			return err;
		sp->start = interp_img->entry + sp->base;
	}
	if (sp->start >= machine_info.user_hi)
		return -EINVAL;
	brk_place(t, sp->mm, prog_img, prog_img->hi + sp->bias, interp != NULL);
	return 0;
}
