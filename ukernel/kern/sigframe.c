/*
 * sigframe.c - the frame that a handler runs on, and rt_sigreturn(2), byte for byte as x86-64
 * Linux has them: debuggers, unwinders, garbage collectors and setcontext() read it.
 *
 *	high	red zone of the interrupted code (128 bytes, untouched), or the top of the
 *		alternate stack
 *		xsave image, 64-byte aligned, with the software bytes at 464 and magic 2 behind it
 *		siginfo
 *		ucontext
 *	low	return address: the restorer            <- rsp at the handler's first instruction
 *
 * The whole frame goes out in one copy and mostly comes back in one.  What comes back is a claim by
 * the guest: selectors and flags are sanitised here, the xsave image by the machine.
 */
#include "abi.h"
#include "kern/signal.h"
#include "kern/sigqueue.h"
#include "kern/task.h"
#include "lib/log.h"
#include "mm/uaccess.h"
#include "syscall.h"

#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define RED_ZONE   128
#define FP_ALIGN   64
#define FX_BYTES   512 /* the legacy region ... */
#define FX_ALIGN   16  /* ... which may be given alone */
#define FP_MIN	   (FX_BYTES + 64)
#define SW_OFFSET  464 /* of fp_sw_bytes in the legacy region */
#define FP_MAGIC1  0x46505853U
#define FP_MAGIC2  0x46505845U
#define FP_SSE	   3ULL		/* xstate_bv: x87 and SSE */
#define XTILE_DATA (1ULL << 18) /* needs a permission that no guest has */

#define UC_FP_XSTATE	     1ULL
#define UC_SIGCONTEXT_SS     2ULL
#define UC_STRICT_RESTORE_SS 4ULL

#define USER_CS	  0x33
#define USER_CS32 0x23
#define USER_DS	  0x2b

#define FLAG_TF	    0x100ULL
#define FLAG_DF	    0x400ULL
#define FLAG_RF	    0x10000ULL
#define FLAGS_GUEST 0x50dd5ULL /* AC RF OF DF TF SF ZF AF PF CF: what sigreturn may change */

struct fp_sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, padding[7];
};

struct rt_sigframe {
	uint64_t pretcode;
	struct abi_ucontext uc;
	struct abi_siginfo info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "rt_sigframe is an ABI");
_Static_assert(offsetof(struct rt_sigframe, info) == 312, "rt_sigframe is an ABI");
_Static_assert(sizeof(struct fp_sw_bytes) == 48, "fp_sw_bytes is an ABI");

/* One frame at a time: nothing here sleeps. */
static struct {
	uint8_t *buf;	/* frame, gap, xsave image, magic 2 */
	uint8_t *image; /* the xsave image that goes to or comes from the machine */
	size_t image_max;
	size_t fp_size; /* of the image in a frame */
	uint64_t features;
} area;

/* Size of the standard-form image that holds features (CPUID leaf 13). */
static size_t image_size(uint64_t features)
{
	size_t size = FP_MIN;

	for (unsigned i = 2; i < 63; i++) {
		unsigned a, b, c, d;

		if (!(features >> i & 1) || !__get_cpuid_count(13, i, &a, &b, &c, &d))
			continue;
		if (!(c & 1) && (size_t)a + b > size)
			size = (size_t)a + b;
	}
	return size;
}

static bool area_init(void)
{
	if (area.buf)
		return true;
	area.features = machine_info.xstate_features & ~XTILE_DATA;
	area.fp_size = image_size(area.features);
	if (machine_info.xstate_size && area.fp_size > machine_info.xstate_size)
		area.fp_size = machine_info.xstate_size;
	area.image_max =
	    machine_info.xstate_size > area.fp_size ? machine_info.xstate_size : area.fp_size;
	area.image = calloc(1, area.image_max);
	area.buf = calloc(1, signal_frame_max());
	if (area.image && area.buf)
		return true;
	free(area.image);
	free(area.buf);
	area.buf = NULL;
	return false;
}

size_t signal_frame_max(void)
{
	size_t fp = area.fp_size;

	if (!fp)
		fp = image_size(machine_info.xstate_features & ~XTILE_DATA);
	return sizeof(struct rt_sigframe) + FP_ALIGN + 16 + fp + sizeof(uint32_t) + 8;
}

/* --- the alternate stack (sigaltstack(2)) --- */

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define ALTSTACK_MIN 2048 /* MINSIGSTKSZ */

static bool altstack_spans(const struct task *t, uaddr_t sp)
{
	return sp > t->altstack.sp && sp - t->altstack.sp <= t->altstack.size;
}

bool altstack_holds(const struct task *t, uaddr_t sp)
{
	return !((unsigned)t->altstack.flags & SS_AUTODISARM) && altstack_spans(t, sp);
}

static int altstack_state(const struct task *t, uaddr_t sp)
{
	if (!t->altstack.size)
		return SS_DISABLE;
	return altstack_holds(t, sp) ? SS_ONSTACK : 0;
}

static void altstack_reset(struct task *t)
{
	t->altstack.sp = 0;
	t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
}

long altstack_set(struct task *t, const struct abi_stack *ss, uaddr_t sp)
{
	unsigned mode = (unsigned)ss->flags & ~SS_AUTODISARM;

	if (altstack_holds(t, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->altstack.sp = 0;
		t->altstack.size = 0;
	} else {
		if (ss->size < ALTSTACK_MIN)
			return -ENOMEM;
		t->altstack.sp = ss->sp;
		t->altstack.size = ss->size;
	}
	t->altstack.flags = ss->flags;
	return 0;
}

long sys_sigaltstack(struct task *t, uaddr_t ss, uaddr_t old)
{
	struct abi_stack new, was = {0};
	struct regs regs;

	if (ss && get_user(t, new, ss))
		return -EFAULT;
	/* The stack pointer only matters when there is a stack to be on. */
	regs.rsp = 0;
	if (t->altstack.size) {
		int err = machine->regs_get(t->thread, &regs);
		if (err)
			return err;
	}
	was.sp = t->altstack.sp;
	was.size = t->altstack.size;
	was.flags =
	    altstack_state(t, regs.rsp) | (int)((unsigned)t->altstack.flags & SS_AUTODISARM);
	if (ss) {
		long err = altstack_set(t, &new, regs.rsp);
		if (err)
			return err;
	}
	return old && put_user(t, was, old) ? -EFAULT : 0;
}

/* --- into the handler --- */

static void save_context(const struct task *t, const struct regs *r, struct abi_sigcontext *sc)
{
	sc->r8 = r->r8;
	sc->r9 = r->r9;
	sc->r10 = r->r10;
	sc->r11 = r->r11;
	sc->r12 = r->r12;
	sc->r13 = r->r13;
	sc->r14 = r->r14;
	sc->r15 = r->r15;
	sc->rdi = r->rdi;
	sc->rsi = r->rsi;
	sc->rbp = r->rbp;
	sc->rbx = r->rbx;
	sc->rdx = r->rdx;
	sc->rax = r->rax;
	sc->rcx = r->rcx;
	sc->rsp = r->rsp;
	sc->rip = r->rip;
	sc->eflags = r->eflags;
	sc->cs = (uint16_t)r->cs;
	sc->ss = (uint16_t)r->ss;
	sc->err = t->fault_err;
	sc->trapno = t->fault_trapno;
	sc->cr2 = t->fault_cr2;
}

/* Fill the software bytes and the end mark of the image at fp. */
static void image_mark(uint8_t *fp, size_t size)
{
	struct fp_sw_bytes sw = {
	    .magic1 = FP_MAGIC1,
	    .extended_size = (uint32_t)size + sizeof(uint32_t),
	    .xfeatures = area.features,
	    .xstate_size = (uint32_t)size,
	};
	const uint32_t magic2 = FP_MAGIC2;
	uint64_t bv;

	memcpy(fp + SW_OFFSET, &sw, sizeof(sw));
	memcpy(fp + size, &magic2, sizeof(magic2));
	/* Linux marks x87 and SSE as in use whatever XSAVE's optimisation left out. */
	memcpy(&bv, fp + FX_BYTES, sizeof(bv));
	bv = (bv | FP_SSE) & area.features;
	memcpy(fp + FX_BYTES, &bv, sizeof(bv));
}

/* The initial state: handlers begin with it, and a NULL fpstate asks for it. */
static int image_reset(struct task *t)
{
	const uint16_t fcw = 0x37f;
	const uint32_t mxcsr = 0x1f80;

	memset(area.image, 0, area.image_max);
	memcpy(area.image, &fcw, sizeof(fcw));
	memcpy(area.image + 24, &mxcsr, sizeof(mxcsr));
	return machine->xstate_set(t->thread, area.image, area.image_max);
}

/* Lay the frame out below sp: its address, and that of the image in *fp. */
static uaddr_t frame_place(uaddr_t sp, uaddr_t *fp)
{
	*fp = (sp - (area.fp_size + sizeof(uint32_t))) & ~(uaddr_t)(FP_ALIGN - 1);
	return ((*fp - sizeof(struct rt_sigframe)) & ~(uaddr_t)15) - 8;
}

int sigframe_push(struct task *t, struct regs *regs, int sig, const struct sigaction_entry *sa,
		  const struct abi_siginfo *info, sigmask_t oldmask)
{
	uaddr_t sp = regs->rsp - RED_ZONE, fp;
	bool on_alt = altstack_holds(t, regs->rsp);

	if (!(sa->flags & 0x04000000 /* SA_RESTORER */) || !area_init())
		return -EFAULT;
	if ((sa->flags & SA_ONSTACK) && altstack_state(t, regs->rsp) == 0) {
		sp = t->altstack.sp + t->altstack.size;
		on_alt = true;
	}
	uaddr_t at = frame_place(sp, &fp);
	if (on_alt && !altstack_spans(t, at))
		return -EFAULT;

	struct rt_sigframe *f = (struct rt_sigframe *)area.buf;
	size_t image_off = fp - at;
	memset(area.buf, 0, image_off);
	f->pretcode = sa->restorer;
	f->uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f->uc.stack.sp = t->altstack.sp;
	f->uc.stack.flags = t->altstack.flags;
	f->uc.stack.size = t->altstack.size;
	save_context(t, regs, &f->uc.mcontext);
	f->uc.mcontext.oldmask = oldmask;
	f->uc.mcontext.fpstate = fp;
	f->uc.sigmask = oldmask;
	if (sa->flags & SA_SIGINFO)
		f->info = *info;

	size_t len = area.image_max;
	int err = machine->xstate_get(t->thread, area.image, &len);
	if (err < 0)
		return err;
	uint8_t *image = area.buf + image_off;
	size_t n = len < area.fp_size ? len : area.fp_size;
	memcpy(image, area.image, n);
	memset(image + n, 0, area.fp_size - n);
	image_mark(image, area.fp_size);
	if (copy_to_user(t, at, area.buf, image_off + area.fp_size + sizeof(uint32_t)))
		return -EFAULT;
	err = image_reset(t);
	if (err < 0)
		return err;

	if ((unsigned)t->altstack.flags & SS_AUTODISARM)
		altstack_reset(t);
	regs->rdi = (uint64_t)sig;
	regs->rsi = at + offsetof(struct rt_sigframe, info);
	regs->rdx = at + offsetof(struct rt_sigframe, uc);
	regs->rax = 0;
	regs->rip = sa->handler;
	regs->rsp = at;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->eflags &= ~(FLAG_DF | FLAG_RF | FLAG_TF);
	return 0;
}

/* --- and back --- */

static bool restore_context(struct regs *r, const struct abi_ucontext *uc)
{
	const struct abi_sigcontext *sc = &uc->mcontext;

	r->r8 = sc->r8;
	r->r9 = sc->r9;
	r->r10 = sc->r10;
	r->r11 = sc->r11;
	r->r12 = sc->r12;
	r->r13 = sc->r13;
	r->r14 = sc->r14;
	r->r15 = sc->r15;
	r->rdi = sc->rdi;
	r->rsi = sc->rsi;
	r->rbp = sc->rbp;
	r->rbx = sc->rbx;
	r->rdx = sc->rdx;
	r->rax = sc->rax;
	r->rcx = sc->rcx;
	r->rsp = sc->rsp;
	r->rip = sc->rip;
	r->cs = sc->cs | 3;
	r->ss = sc->ss | 3;
	r->eflags = (r->eflags & ~FLAGS_GUEST) | (sc->eflags & FLAGS_GUEST);
	r->orig_rax = (uint64_t)-1;
	if (r->cs == USER_CS && !(uc->flags & UC_STRICT_RESTORE_SS))
		r->ss = USER_DS;
	return (r->cs == USER_CS || r->cs == USER_CS32) && r->ss == USER_DS;
}

/* What the guest says its image is: the bytes and features of it to load.  false: only the legacy
 * region is to be trusted (no or wrong marks), as Linux has it. */
static bool image_described(const uint8_t *image, size_t have, size_t *size, uint64_t *features)
{
	struct fp_sw_bytes sw;
	uint32_t magic2;

	memcpy(&sw, image + SW_OFFSET, sizeof(sw));
	if (sw.magic1 != FP_MAGIC1 || sw.xstate_size < FP_MIN || sw.xstate_size > area.fp_size ||
	    sw.xstate_size > sw.extended_size || sw.xstate_size + sizeof(magic2) > have)
		return false;
	memcpy(&magic2, image + sw.xstate_size, sizeof(magic2));
	if (magic2 != FP_MAGIC2)
		return false;
	*size = sw.xstate_size;
	*features = sw.xfeatures & area.features;
	return true;
}

/* Load the image that was at fp and is in area.buf at off; have bytes of it were readable. */
static int image_restore(struct task *t, uaddr_t fp, size_t off, size_t have)
{
	const uint8_t *from = area.buf + off;
	size_t size = FX_BYTES;
	uint64_t features = FP_SSE, bv = FP_SSE;

	memset(area.image, 0, area.image_max);
	if (image_described(from, have, &size, &features)) {
		if (fp % FP_ALIGN)
			return -EFAULT;
		memcpy(area.image, from, size);
		/* XRSTOR looks at the first 24 bytes of the header only. */
		memset(area.image + FX_BYTES + 24, 0, 40);
		memcpy(&bv, area.image + FX_BYTES, sizeof(bv));
		if (bv & ~area.features)
			return -EINVAL;
		bv &= features;
	} else {
		memcpy(area.image, from, FX_BYTES);
	}
	memset(area.image + SW_OFFSET, 0, sizeof(struct fp_sw_bytes));
	memcpy(area.image + FX_BYTES, &bv, sizeof(bv));
	return machine->xstate_set(t->thread, area.image, area.image_max);
}

static int fp_restore(struct task *t, uaddr_t frame, size_t got, uaddr_t fp)
{
	size_t need = area.fp_size + sizeof(uint32_t), have;
	size_t off = fp - frame;

	if (!fp)
		return image_reset(t);
	if (fp % FX_ALIGN)
		return -EFAULT;
	if (fp > frame && off < got && got - off >= need) {
		have = need;
	} else {
		/* Moved elsewhere by the handler, or close to the end of its region. */
		off = sizeof(struct rt_sigframe);
		have = machine->mem_read(t->thread, fp, area.buf + off, need);
		if (have < FX_BYTES)
			return -EFAULT;
	}
	return image_restore(t, fp, off, have);
}

/* The frame at that address, into area.buf: so much of it is there.  At least what fp_restore()
 * cannot read for itself. */
static size_t frame_read(struct task *t, uaddr_t at)
{
	size_t max = signal_frame_max() - 8, got = 0;

	if (machine->mem_have)
		got = machine->mem_have(t->thread, at, area.buf, max);
	if (got < sizeof(struct rt_sigframe))
		got = machine->mem_read(t->thread, at, area.buf, max);
	return got;
}

static long frame_pop(struct task *t, struct regs *regs)
{
	const struct rt_sigframe *f = (const struct rt_sigframe *)area.buf;
	uaddr_t at = regs->rsp - 8; /* the handler's return took the restorer's address */
	size_t got = frame_read(t, at);

	if (got < offsetof(struct rt_sigframe, info))
		return -EFAULT;
	struct abi_ucontext uc = f->uc;
	/* With the handler's stack pointer still, as Linux does since 6.12; and like there the
	 * answer is not looked at. */
	altstack_set(t, &uc.stack, regs->rsp);
	if (!restore_context(regs, &uc) || fp_restore(t, at, got, uc.mcontext.fpstate) < 0)
		return -EFAULT;
	signal_set_mask(t, uc.sigmask);
	return 0;
}

long sys_rt_sigreturn(struct task *t)
{
	struct regs regs;

	t->restart = NULL;
	if (!area_init() || machine->regs_get(t->thread, &regs) < 0)
		process_exit(t, SIGKILL);
	struct regs before = regs;
	if (frame_pop(t, &regs) < 0 || machine->regs_set(t->thread, &regs) < 0) {
		log_debug(signal, "task %d: bad signal frame at %#llx", t->tid,
			  (unsigned long long)before.rsp);
		signal_force(t, SIGSEGV, NULL);
		return 0;
	}
	/* The registers are complete: no result is to be put over them. */
	t->in_syscall = false;
	return (long)regs.rax;
}
