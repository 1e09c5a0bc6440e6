/*
 * unwind_test.c - a thread that is stopped at any instruction of turbo's stub is shown as at its
 * call, or as its call has left it (sandbox/unwind.c, carry.c).
 *
 * A child executes the stub as it is linked into this program, one instruction at a time, with a
 * control page and a mailbox made by hand; we are its supervisor, and look at it at each step.
 */
#include "ahead.h"
#include "carry.h"
#include "late.h"
#include "turbo.h"
#include "unwind.h"
#include "vthread.h"

#include <asm/prctl.h>
#include <criterion/criterion.h>
#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define XSTATE_MAX 16384
#define STACK	   16384
#define STEPS_MAX  20000

TestSuite(unwind, .timeout = 60);

extern const char turbo_stub[], turbo_stub_entry[], turbo_stub_ahead_given[],
    turbo_stub_published[];

/* What happens to the call. */
struct course {
	long nr;
	uint8_t shape;
	bool direct;	     /* nobody looks into mailboxes */
	bool parks;	     /* it is taken, and then the guest gives up waiting */
	bool sets, sets_fpu; /* the answer sets registers */
	uint32_t late;	     /* ... and so many bytes */
	bool frame;	     /* a signal frame lies on the stack */
	enum { ASKS, AHEAD, AHEAD_KEPT, AHEAD_POSTED } ahead; /* the answer is there before */
	uint64_t flags;
};

static struct box *box;
static struct control *control;
static uint8_t *stack, *target;
static struct vthread th;
static size_t xsize;
static uint8_t xstate_in[XSTATE_MAX], xstate_out[XSTATE_MAX];
static struct regs in, out;
static pid_t child;

static void *shared(void *at, size_t size)
{
	int fixed = at == NULL ? 0 : MAP_FIXED_NOREPLACE;
	void *p = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | fixed, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void xstate_host(bool set, void *buf, size_t *len)
{
	struct iovec area = {buf, *len};

	cr_assert_eq(
	    ptrace(set ? PTRACE_SETREGSET : PTRACE_GETREGSET, child, (void *)NT_X86_XSTATE, &area),
	    0);
	*len = area.iov_len;
}

/* Different contents of every vector register, and of x87's and MXCSR's controls. */
static void xstate_make(uint8_t *to, const uint8_t *from, uint8_t seed)
{
	const uint16_t fcw = seed & 1 ? 0x27f : 0x37f;
	const uint32_t mxcsr = seed & 1 ? 0x5f80 : 0x9f80;
	uint64_t has = control->xmask & 0xe7; /* to AVX-512, without MPX */

	memcpy(to, from, xsize);
	for (size_t i = 160; i < 416; i++)
		to[i] = (uint8_t)(seed + i);
	for (size_t i = 576; i < 832 && (has & 4); i++)
		to[i] = (uint8_t)(seed * 3 + i);
	memcpy(to, &fcw, sizeof(fcw));
	memcpy(to + 24, &mxcsr, sizeof(mxcsr));
	memcpy(to + 512, &has, sizeof(has));
}

/* But for what the host notes there for itself. */
static bool xstate_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	return memcmp(a, b, 416) == 0 && memcmp(a + 576, b + 576, len - 576) == 0;
}

static bool prepare(void)
{
	box = shared(NULL, sizeof(*box));
	control = shared((void *)TURBO_CONTROL, PAGE_SIZE);
	stack = shared(NULL, STACK);
	target = shared(NULL, PAGE_SIZE);
	if (control == NULL || !(getauxval(AT_HWCAP2) & 2))
		return false;
	turbo.control = control;
	turbo.code = (uaddr_t)turbo_stub;
	memset(&th, 0, sizeof(th));
	th.box = box;
	th.own_gs = (uaddr_t)box;
	return true;
}

static void child_start(void)
{
	struct machine_info info = {0};
	uint32_t lo, hi;
	int status;

	child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		syscall(SYS_arch_prctl, ARCH_SET_GS, box);
		raise(SIGSTOP);
		_exit(1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	xsize = XSTATE_MAX;
	xstate_host(false, xstate_in, &xsize);
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	info.xstate_size = xsize;
	info.xstate_features = (uint64_t)hi << 32 | lo;
	carry_init(&info);
	th.host_pid = child;
}

static const char ahead_data[17] = "sixteen bytes...";

/* Two answers; the second in the list is that to the call. */
static void answer_ahead(const struct course *c)
{
	struct foretold f = {.nr = (uint64_t)c->nr, .arg0 = in.rdi, .result = 42};

	th.by_stub = true;
	th.hold = HOLD_BOXED;
	f.keep = c->ahead == AHEAD_KEPT;
	f.post = c->ahead == AHEAD_POSTED;
	f.key[1].arg = 4;
	f.key[1].value = in.r8;
	if (!f.post) {
		f.to = 1;
		f.data = ahead_data;
		f.len = 16;
	}
	cr_assert(ahead_give(&th, &f));
	f.key[0].arg = 2;
	f.key[0].value = in.rdx + 1;
	f.result = 43;
	cr_assert(ahead_give(&th, &f));
	th.hold = HOLD_RUNNING;
	out = in;
	out.rax = 42;
	out.orig_rax = (uint64_t)-1;
	out.r11 = in.eflags;
}

static void begin(const struct course *c)
{
	size_t len = xsize;

	memset(box, 0, sizeof(*box));
	box->magic = BOX_MAGIC;
	box->stack = (uintptr_t)&box->regs.rsp;
	box->spins = 1;
	box->yields = 1;
	control->polling = !c->direct;
	control->shape[c->nr] = c->shape;
	control->fetch[SHAPE_FETCH] = (struct fetch){BOX_AT_ARG + 8, 0, 100, ~0U};
	xstate_make(xstate_in, xstate_in, 1);
	xstate_make(xstate_out, xstate_in, 2);
	xstate_host(true, xstate_in, &len);
	cr_assert_eq(ptrace(PTRACE_GETREGS, child, NULL, &in), 0);
	for (int i = 0; i < 15; i++)
		((uint64_t *)&in)[i] = 0x1111111111111111UL * (unsigned)(i + 1);
	in.rdi = (uint64_t)getpid();
	in.rsi = (uint64_t)stack;
	in.rsp = (uint64_t)stack + 8192 + 8;
	in.rcx = 0x777777;
	in.rdx = c->ahead ? 3 : in.rdx; /* a length that is none asks */
	in.rip = (uint64_t)turbo_stub_entry;
	in.rax = (uint64_t)c->nr;
	in.orig_rax = (uint64_t)-1;
	in.eflags = 0x202 | c->flags;
	for (int i = 0; i < STACK; i++)
		stack[i] = (uint8_t)(i * 7 + i / 256);
	if (c->frame)
		*(uint64_t *)(stack + 8192 + FRAME_AT_FPSTATE) = (uintptr_t)stack + 8192 + 512 - 64;
	cr_assert_eq(ptrace(PTRACE_SETREGS, child, NULL, &in), 0);
	/* As at the call, and as the answer is going to make them. */
	in.rip = in.rcx;
	in.gs_base = 0;
	out = in;
	for (int i = 0; i < 15; i++)
		((uint64_t *)&out)[i] = 0x0123456789abcdefUL * (unsigned)(i + 3);
	out.orig_rax = (uint64_t)-1;
	out.rip = (uint64_t)raise; /* somewhere */
	out.rsp = in.rsp - 4000;
	out.eflags = 0x202 | (c->flags ^ 0xcd5);
	if (c->ahead)
		answer_ahead(c);
}

/* Has the call been answered, with the thread at rip? */
static bool told(const struct course *c, uint64_t rip, bool answered)
{
	const struct ahead_answer *a = (void *)box->answers;

	if (c->ahead == AHEAD_POSTED)
		return a->until == 0;
	return answered ||
	       (rip >= (uint64_t)turbo_stub_ahead_given && rip < (uint64_t)turbo_stub_published);
}

/* The supervisor takes the request, and looks at what came with it. */
static void take(const struct course *c)
{
	uint8_t now[XSTATE_MAX], came[XSTATE_MAX];
	size_t len = xsize, came_len = xsize;
	struct regs regs;

	box->state = BOX_TAKEN;
	th.hold = HOLD_BOXED;
	th.box_nr = box->nr;
	cr_assert_eq(box->nr, c->nr);
	carry_begin(&th);
	cr_assert_eq(th.carry.open, c->shape >= SHAPE_CARRY);
	if (!th.carry.open)
		return;
	cr_assert(carry_regs_get(&th, &regs));
	in.fs_base = regs.fs_base;
	in.rax = (uint64_t)-ENOSYS;
	in.orig_rax = (uint64_t)c->nr;
	in.r11 = in.eflags;
	cr_assert_arr_eq(&regs, &in, sizeof(in));
	xstate_host(false, now, &len);
	cr_assert(carry_xstate_get(&th, came, &came_len));
	cr_assert(xstate_same(came, now, came_len) && xstate_same(came, xstate_in, came_len));
	out.fs_base = in.fs_base;
	if (c->frame) {
		cr_assert_eq(box->early_from, (uintptr_t)stack + 8192);
		cr_assert_eq(box->early, 512 - 64 + control->image);
		cr_assert_arr_eq(box->frame, stack + 8192, box->early);
	}
}

static void answer(const struct course *c)
{
	int ret = 1;

	for (uint32_t i = 0; i < c->late; i++)
		box->data[i] = (uint8_t)(i * 13 + 1);
	box->late_to = th.late_to = (uintptr_t)target;
	box->late = th.late = c->late;
	if (c->sets_fpu)
		cr_assert(carry_xstate_set(&th, xstate_out, xsize, &ret) && ret == 0);
	if (c->sets)
		cr_assert(carry_regs_set(&th, &out));
	th.result = 42;
	th.result_set = !c->sets;
	th.answer = 42;
	carry_give(&th);
	th.carry.open = th.result_set = false;
	th.hold = HOLD_RUNNING;
	box->arg[0] = (uint64_t)th.answer;
	if (c->parks || c->direct) {
		th.answer_owed = true;
		late_untaken(&th);
	} else {
		box->state = BOX_DONE;
	}
	if (!c->sets) {
		out = in;
		out.rax = 42;
		out.orig_rax = (uint64_t)-1;
		out.r11 = in.eflags;
	}
}

/* The child as it is, stopped; nothing of that may change anything. */
static void look(const struct course *c, bool answered, const struct regs *now)
{
	static struct box box_was;
	uint8_t xstate[XSTATE_MAX];
	struct vthread was = th;
	enum unwound where;
	size_t len = xsize;

	th.regs = *now;
	th.regs.gs_base = 0;
	th.regs_valid = true;
	th.dirt = DIRT_NONE;
	memcpy(&box_was, box, sizeof(box_was));
	if (th.hold == HOLD_BOXED) { /* it is the kernel's to say what comes of the call */
		unwind_taken(&th);
		where = UNWOUND_PENDING;
	} else {
		where = unwind(&th);
	}
	cr_assert_eq(where, answered ? UNWOUND_DONE : UNWOUND_PENDING, "at %#lx: %d",
		     (long)(now->rip - turbo.code), where);
	in.r11 = in.eflags;
	in.rax = (uint64_t)-ENOSYS;
	in.orig_rax = (uint64_t)c->nr;
	in.fs_base = out.fs_base = th.regs.fs_base;
	for (size_t i = 0; i < 21; i++)
		cr_assert_eq(((uint64_t *)&th.regs)[i], ((uint64_t *)(answered ? &out : &in))[i],
			     "at %#lx: register %zu is %#lx", (long)(now->rip - turbo.code), i,
			     (long)((uint64_t *)&th.regs)[i]);
	xstate_host(false, xstate, &len);
	cr_assert(xstate_same(xstate, answered && c->sets_fpu ? xstate_out : xstate_in, len));
	if (answered)
		cr_assert(memcmp(target, box_was.data, c->late) == 0);
	memcpy(box, &box_was, sizeof(box_was));
	th = was;
}

/* From the call to where its answer leads, with a look at each step or none at all. */
static void go(const struct course *c, bool looks)
{
	bool answered = false;
	struct regs now;
	int status;

	begin(c);
	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		if (box->state == BOX_REQUEST) {
			take(c);
			control->polling = !c->parks;
		}
		if (!answered && box->state == (c->parks ? BOX_PARKED : BOX_TAKEN)) {
			answer(c);
			answered = true;
		}
		cr_assert_eq(ptrace(PTRACE_GETREGS, child, NULL, &now), 0);
		if (c->ahead)
			answered = told(c, now.rip, answered);
		if (now.rip - turbo.code >= 4096) {
			cr_assert(answered && (!c->ahead || box->state == BOX_IDLE));
			return;
		}
		if (c->direct && memcmp((void *)now.rip, "\x0f\x05", 2) == 0) {
			if (box->state != BOX_CALLED)
				return;
			take(c);
			answer(c);
			answered = true;
		}
		if (th.answer_owed && now.rip == unwind_called()) { /* as its notification says */
			th.answer_owed = false;
			now.rax = 42;
			cr_assert_eq(ptrace(PTRACE_SETREGS, child, NULL, &now), 0);
		}
		if (looks)
			look(c, answered, &now);
		cr_assert_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP, "%#x", status);
	}
	cr_assert_fail("no end");
}

/* It has got there by itself, with no help of ours. */
static void arrived(const struct course *c)
{
	uint8_t xstate[XSTATE_MAX];
	struct regs now;
	size_t len = xsize;

	cr_assert_eq(ptrace(PTRACE_GETREGS, child, NULL, &now), 0);
	cr_assert_eq(now.rip, out.rip);
	for (size_t i = 0; i < 20; i++) {
		if (i == 15 || (i == 6 && !c->sets) || i == 18)
			continue; /* orig_rax; r11 lacks some flags; flags are below */
		cr_assert_eq(((uint64_t *)&now)[i], ((uint64_t *)&out)[i], "register %zu", i);
	}
	cr_assert_eq((now.eflags ^ out.eflags) & 0xcd5, 0);
	xstate_host(false, xstate, &len);
	cr_assert(xstate_same(xstate, c->sets_fpu ? xstate_out : xstate_in, len));
	for (uint32_t i = 0; i < c->late; i++)
		cr_assert_eq(target[i], (uint8_t)(i * 13 + 1));
	if (c->ahead == AHEAD || c->ahead == AHEAD_KEPT)
		cr_assert_arr_eq(stack, ahead_data, 16);
	if (c->ahead)
		ahead_forget(&th);
}

static void course(const struct course *c)
{
	if (!prepare())
		cr_skip_test("no page can be mapped so low");
	child_start();
	if (c->shape >= SHAPE_CARRY && control->xmask == 0)
		cr_skip_test("this CPU cannot");
	th.hold = HOLD_RUNNING;
	go(c, true);
	if (!c->direct || c->shape >= SHAPE_CARRY) {
		memset(target, 0, PAGE_SIZE);
		go(c, false);
		arrived(c);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

#define COURSE(name, ...)                                                                          \
	Test(unwind, name)                                                                         \
	{                                                                                          \
		const struct course c = {__VA_ARGS__};                                             \
		course(&c);                                                                        \
	}

COURSE(plain, .nr = SYS_getpgid, .shape = SHAPE_REQUEST, .flags = 0x8d5, .late = 77)
COURSE(fetch, .nr = SYS_getpgid, .shape = SHAPE_FETCH, .flags = 0x401)
COURSE(direct, .nr = SYS_getpgid, .shape = SHAPE_REQUEST, .direct = true)
COURSE(parked, .nr = SYS_getpgid, .shape = SHAPE_REQUEST, .parks = true)
COURSE(carried, .nr = SYS_kill, .shape = SHAPE_CARRY, .flags = 0x4c1)
COURSE(into_handler_direct, .nr = SYS_kill, .shape = SHAPE_CARRY, .direct = true, .sets = true,
       .late = 3195)
COURSE(carried_direct, .nr = SYS_kill, .shape = SHAPE_CARRY, .direct = true)
COURSE(into_handler, .nr = SYS_kill, .shape = SHAPE_CARRY, .flags = 0x811, .sets = true,
       .late = 3195)
COURSE(into_handler_parked, .nr = SYS_kill, .shape = SHAPE_CARRY, .parks = true, .flags = 0x400,
       .sets = true, .late = 3195)
COURSE(back, .nr = SYS_rt_sigreturn, .shape = SHAPE_CARRY_FRAME, .frame = true, .flags = 0x80,
       .sets = true, .sets_fpu = true)
COURSE(back_parked, .nr = SYS_rt_sigreturn, .shape = SHAPE_CARRY_FRAME, .frame = true, .sets = true,
       .sets_fpu = true, .parks = true)
COURSE(back_elsewhere, .nr = SYS_rt_sigreturn, .shape = SHAPE_CARRY_FRAME, .sets = true,
       .sets_fpu = true)
COURSE(ahead, .nr = SYS_getpgid, .shape = SHAPE_REQUEST, .ahead = AHEAD, .flags = 0x8d5)
COURSE(ahead_kept, .nr = SYS_getpgid, .shape = SHAPE_REQUEST, .ahead = AHEAD_KEPT)
COURSE(ahead_posted, .nr = SYS_getpgid, .shape = SHAPE_REQUEST, .ahead = AHEAD_POSTED,
       .flags = 0x401)
COURSE(suspended, .nr = SYS_rt_sigsuspend, .shape = SHAPE_CARRY + SHAPE_FETCH, .sets = true,
       .late = 4)
