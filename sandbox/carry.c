/*
 * carry.c - registers that come with a call, and go back with its answer.
 *
 * A signal to oneself, and the way back from its handler, need all registers of a thread, and give
 * it others.  Asking the host for them takes a stop and some six host calls; the stub stores them
 * into the mailbox by itself (xsave, pushfq), and loads what it finds there in the end (xrstor,
 * popfq).  These are what any program may execute: a guest that lies about its registers, or loads
 * others than the kernel has set, has done what it could have done with a few moves.
 *
 * The general ones are copied once, when the kernel first asks; those that it sets are kept here
 * until the answer.  The xstate stays in the mailbox and is made sound each time it leaves it.
 *
 * Not for what user code cannot load: selectors, bases, the trap flag.  That takes a stop, in which
 * the host is told what was set here (carry_settled).
 */
#include "carry.h"

#include <cpuid.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <x86intrin.h>

#include "host.h"
#include "regs.h"
#include "unwind.h"
#include "vthread.h"

#define HWCAP2_FSGSBASE 2UL

#define XSAVE_LEGACY  512 /* x87 and SSE ... */
#define XSAVE_X87     160 /* ... of which those are x87's, but for ... */
#define XSAVE_MXCSR   24
#define XSAVE_XMM_END 416
#define XSAVE_HEADER  64
#define XSAVE_CODE    13	   /* the leaf of cpuid that says where the parts are */
#define XTILE_DATA    (1ULL << 18) /* needs a permission that no guest has */
#define FCW_INIT      0x37f
#define MXCSR_MASK    0xffbfU /* where the CPU says none */

#define FLAG_TRAP	 0x100UL
#define FLAGS_ARITHMETIC 0x8d5UL
#define FLAGS_OTHER	 0x244400UL /* DF NT AC ID */
#define FLAGS_LOADED	 (FLAGS_ARITHMETIC | FLAGS_OTHER)
#define FLAGS_ALWAYS	 0x202UL

#define USER_TOP 0x7ffffffff000UL

static uint64_t xmask;
static size_t xsize;	  /* of the image with those parts ... */
static size_t host_xsize; /* ... and of the one that the host takes, with more of them perhaps */
static uint32_t mxcsr_mask;
static uint8_t *host_image;

/* ---- which calls ---- */

/* Handlers of these want registers nearly always. */
static const uint16_t carried[] = {
    SYS_kill, SYS_tkill, SYS_tgkill, SYS_pause, SYS_rt_sigsuspend,
};

static size_t image_size(uint64_t mask)
{
	size_t size = XSAVE_LEGACY + XSAVE_HEADER;
	unsigned a, b, c, d;

	for (unsigned i = 2; i < 63; i++) {
		if ((mask >> i & 1) && __get_cpuid_count(XSAVE_CODE, i, &a, &b, &c, &d) &&
		    (size_t)a + b > size)
			size = (size_t)a + b;
	}
	return size;
}

static uint32_t mxcsr_mask_read(void)
{
	static uint8_t area[XSAVE_LEGACY] __attribute__((aligned(16)));
	uint32_t mask;

	_fxsave64(area);
	memcpy(&mask, area + XSAVE_MXCSR + 4, sizeof(mask));
	return mask != 0 ? mask : MXCSR_MASK;
}

void carry_init(const struct machine_info *info)
{
	unsigned a, b, c, d;

	xmask = 0;
	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) || !__get_cpuid(1, &a, &b, &c, &d) ||
	    !(c & bit_OSXSAVE))
		return;
	xsize = image_size(info->xstate_features & ~XTILE_DATA);
	host_xsize = info->xstate_size;
	if (xsize > BOX_XSTATE_MAX || host_xsize < xsize)
		return;
	free(host_image);
	host_image = calloc(1, host_xsize);
	if (host_image == NULL)
		return;
	mxcsr_mask = mxcsr_mask_read();
	xmask = info->xstate_features & ~XTILE_DATA;
	turbo.control->xmask = xmask;
	turbo.control->image = (uint32_t)xsize + sizeof(uint32_t);
}

void carry_shapes(struct control *control)
{
	if (xmask == 0)
		return;
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
		uint8_t *shape = &control->shape[carried[i]];

		*shape = (uint8_t)(SHAPE_CARRY + (*shape >= SHAPE_FETCH ? *shape : 0));
	}
	control->shape[SYS_rt_sigreturn] = SHAPE_CARRY_FRAME;
}

void carry_begin(struct vthread *th)
{
	struct carry *c = &th->carry;

	c->open = xmask != 0 && th->box_nr < SHAPES_MAX &&
		  turbo.control->shape[th->box_nr] >= SHAPE_CARRY;
	c->known = c->set = c->xstate = false;
}

bool carry_frame(const struct vthread *th)
{
	return th->carry.open && th->box_nr == SYS_rt_sigreturn;
}

/* ---- general registers ---- */

/* As they were at the call. */
static struct regs *regs_known(struct vthread *th)
{
	struct regs *r = &th->carry.regs;
	const struct box *box = th->box;

	if (th->carry.known)
		return r;
	th->carry.known = true;
	*r = box->regs;
	r->rdi = box->arg[0];
	r->rsi = box->arg[1];
	r->rdx = box->arg[2];
	r->r10 = box->arg[3];
	r->r8 = box->arg[4];
	r->r9 = box->arg[5];
	r->eflags = (r->eflags & FLAGS_OTHER) | FLAGS_ALWAYS;
	unwind_flags(r, box->flags);
	r->rip = r->rcx = box->ret;
	r->r11 = r->eflags;
	r->rax = (uint64_t)-ENOSYS;
	r->orig_rax = th->box_nr;
	r->cs = GUEST_CS;
	r->ss = GUEST_DS;
	r->gs_base = 0; /* or it would not have come here */
	r->ds &= 0xffff;
	r->es &= 0xffff;
	r->fs &= 0xffff;
	r->gs &= 0xffff;
	return r;
}

bool carry_regs_get(struct vthread *th, struct regs *out)
{
	if (!th->carry.open)
		return false;
	*out = *regs_known(th);
	if (th->result_set)
		out->rax = (uint64_t)th->result;
	return true;
}

bool carry_regs_set(struct vthread *th, const struct regs *in)
{
	struct regs *r;

	if (!th->carry.open)
		return false;
	r = regs_known(th);
	if (in->cs != GUEST_CS || (in->eflags & FLAG_TRAP) || in->rip >= USER_TOP ||
	    memcmp(&r->ss, &in->ss, sizeof(*in) - offsetof(struct regs, ss)) != 0)
		return false;
	*r = *in;
	th->carry.set = true;
	th->result_set = false;
	return true;
}

/* ---- the xstate ---- */

static uint64_t image_has(const uint8_t *image)
{
	uint64_t has;

	memcpy(&has, image + XSAVE_LEGACY, sizeof(has));
	return has;
}

/* A header that the CPU takes. */
static void image_mend(uint8_t *image)
{
	uint64_t has = image_has(image) & xmask;
	uint32_t mxcsr;

	memset(image + XSAVE_LEGACY, 0, XSAVE_HEADER);
	memcpy(image + XSAVE_LEGACY, &has, sizeof(has));
	memcpy(&mxcsr, image + XSAVE_MXCSR, sizeof(mxcsr));
	mxcsr &= mxcsr_mask;
	memcpy(image + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
}

/* What it does not have is in its initial state: so write that, as XSAVE would. */
static void image_complete(uint8_t *image, size_t len)
{
	uint64_t lacks = xmask & ~image_has(image);
	const uint16_t fcw = FCW_INIT;
	unsigned a, b, c, d;

	if (lacks & 1) {
		memset(image, 0, XSAVE_MXCSR);
		memcpy(image, &fcw, sizeof(fcw));
		memset(image + XSAVE_MXCSR + 8, 0, XSAVE_X87 - XSAVE_MXCSR - 8);
	}
	if (lacks & 2)
		memset(image + XSAVE_X87, 0, XSAVE_XMM_END - XSAVE_X87);
	for (unsigned i = 2; i < 63; i++) {
		if ((lacks >> i & 1) && __get_cpuid_count(XSAVE_CODE, i, &a, &b, &c, &d) &&
		    (size_t)a + b <= len)
			memset(image + b, 0, a);
	}
}

bool carry_xstate_get(struct vthread *th, void *buf, size_t *len)
{
	if (!th->carry.open || *len < xsize)
		return false;
	*len = xsize;
	memcpy(buf, th->box->xstate, xsize);
	image_mend(buf);
	if (th->carry.xstate)
		image_complete(buf, xsize);
	return true;
}

bool carry_xstate_set(struct vthread *th, const void *buf, size_t len, int *ret)
{
	static const uint8_t zero[XSAVE_HEADER - 8];
	const uint8_t *image = buf;
	uint32_t mxcsr;

	if (!th->carry.open || len < xsize || (image_has(image) & ~xmask) != 0)
		return false;
	memcpy(&mxcsr, image + XSAVE_MXCSR, sizeof(mxcsr));
	*ret = -EINVAL;
	if ((mxcsr & ~mxcsr_mask) != 0 || memcmp(image + XSAVE_LEGACY + 8, zero, sizeof(zero)) != 0)
		return true;
	memcpy(th->box->xstate, image, xsize);
	th->carry.xstate = true;
	*ret = 0;
	return true;
}

/* Tell the host what is in the mailbox. */
static void xstate_tell(struct vthread *th)
{
	struct iovec area = {host_image, host_xsize};

	memset(host_image, 0, host_xsize);
	memcpy(host_image, th->box->xstate, xsize);
	image_mend(host_image);
	host_ptrace(PTRACE_SETREGSET, th->host_pid, NT_X86_XSTATE, &area);
}

/* ---- the way back ---- */

void carry_give(struct vthread *th)
{
	struct carry *c = &th->carry;

	if (!c->open || !(c->set || c->xstate))
		return;
	if (!c->set)
		carry_regs_get(th, &c->regs);
	th->box->regs = c->regs;
	th->box->regs.eflags = (c->regs.eflags & FLAGS_LOADED) | FLAGS_ALWAYS;
	__atomic_store_n(&th->box->restore, RESTORE_REGS | (c->xstate ? RESTORE_XSTATE : 0U),
			 __ATOMIC_RELEASE);
}

/* All but selectors and bases. */
static void regs_overlay(struct vthread *th, const struct regs *from)
{
	struct regs *r = &th->regs, host = *r;

	*r = *from;
	r->cs = host.cs;
	memcpy(&r->ss, &host.ss, sizeof(host) - offsetof(struct regs, ss));
	r->orig_rax = (uint64_t)-1;
	th->dirt = th->dirt == DIRT_ALL || r->cs != GUEST_CS ? DIRT_ALL : DIRT_GENERAL;
}

void carry_settled(struct vthread *th)
{
	struct carry *c = &th->carry;

	if (!c->open)
		return;
	c->open = false;
	if (c->set)
		regs_overlay(th, &c->regs);
	if (c->xstate)
		xstate_tell(th);
}

void carry_arrived(struct vthread *th)
{
	struct regs r = th->box->regs;

	r.eflags = (r.eflags & FLAGS_LOADED) | FLAGS_ALWAYS;
	regs_overlay(th, &r);
	if (xmask != 0 && (th->box->restore & RESTORE_XSTATE))
		xstate_tell(th);
}
