/*
 * site.c - what happens at the places where system calls are made: they trap and are rewritten,
 * and the rewritten ones are passed through in unusual ways.
 *
 * Wherever a thread stands between a patched site and the stub, to the program it stands at the
 * site: before the first replaced instruction, or at the `syscall`.  Where that was is a byte that
 * the CPU refuses (patch.c), so that who goes on there is caught here, and given what was meant.
 *
 * A program that single-steps itself (the trap flag) sees one step for each instruction that it
 * wrote: those of ours in between are passed over.
 */
#include "site.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mailbox.h"
#include "module.h"
#include "patch.h"
#include "regs.h"
#include "text.h"
#include "trampoline.h"
#include "turbo.h"
#include "unwind.h"
#include "usermem.h"
#include "vm.h"
#include "vthread.h"

#define SYSCALL_LEN  2
#define JMP_SLOT_LEN 7
#define LOOK_BACK    128 /* bytes before a site that say how to decode */

/* Real traps until ... */
#define TRAPS_TO_DECIDE 4   /* ... a site is looked at */
#define TRAPS_TO_SEARCH 32  /* ... dead bytes for it are looked for in the whole text */
#define TRAPS_TO_WARM	50  /* ... a space gets patched pages, and a mailbox */
#define LEFT_TO_TELL	100 /* ... a site is worth a line in the end */

struct turbo_counts turbo_counts;

static struct modules *modules_of(const struct vthread *th)
{
	return th->space == NULL ? NULL : th->space->text;
}

/* ---- what --trace=patch prints ---- */

static void (*note)(const char *text);
static uaddr_t noted_addr; /* of the site that traps now */

static void file_name(const struct text_file *file, char *out, size_t size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	n = readlink(link, out, size - 1);
	out[n < 0 ? 0 : n] = 0;
}

static void site_note(const struct text_file *file, const struct text_site *site)
{
	static const char *const state[] = {"new", "wait", "jump", "leave"};
	char name[300], text[400], nr[32] = "";

	file_name(file, name, sizeof(name));
	if (site->plan.nr >= 0)
		snprintf(nr, sizeof(nr), "call %d, ", (int)site->plan.nr);
	snprintf(text, sizeof(text), "%s %s+%#llx at %#llx: %s%s", state[site->state], name,
		 (unsigned long long)site->plan.sys, (unsigned long long)noted_addr, nr,
		 site->plan.why);
	note(text);
}

/* At the end: what stays as it was, and traps. */
static void site_note_left(const struct text_file *file, const struct text_site *site)
{
	char name[300], text[400];

	if (site->traps < LEFT_TO_TELL && site->caught < LEFT_TO_TELL)
		return;
	file_name(file, name, sizeof(name));
	snprintf(text, sizeof(text), "left %s+%#llx: %u traps, caught %u times: %s", name,
		 (unsigned long long)site->plan.sys, site->traps, site->caught, site->plan.why);
	note(text);
}

static void counts_note(void)
{
	char text[200];

	snprintf(
	    text, sizeof(text),
	    "calls: %lu by mailbox, %lu by the stub's own, %lu at the site, %lu caught; %u sites",
	    turbo_counts.boxed, turbo_counts.direct, turbo_counts.trapped, turbo_counts.caught,
	    trampolines_made());
	note(text);
}

/* ---- trapping ---- */

static void site_decide(struct vthread *th, const struct piece *p, struct text_site *site)
{
	static uint8_t bytes[LOOK_BACK + PAGE_SIZE + 1];
	uint64_t page = site->plan.sys & PAGE_MASK;
	size_t back = page - p->off < LOOK_BACK ? page - p->off : LOOK_BACK;
	/* A `syscall` may have its second byte on the next page. */
	size_t more = p->end - (piece_base(p) + page) > PAGE_SIZE;
	struct patch_text text = {
	    .bytes = bytes, .off = page - back, .len = back + PAGE_SIZE + more};

	if (mem_read(th, piece_base(p) + text.off, bytes, text.len) == text.len)
		text_site_decide(p->file, site, &text);
}

static void site_remap(struct vthread *th, const struct piece *p, uint64_t sys)
{
	struct text_page *page = text_page_find(p->file, sys);
	struct vm_op op;
	size_t done;

	if (text_page_map(page, piece_base(p) + page->off, p->prot, &op))
		vm_apply(th, &op, 1, &done);
}

void site_trapped(struct vthread *th, uaddr_t ip)
{
	struct modules *m = modules_of(th);
	const struct piece *p = m == NULL ? NULL : piece_at(m, ip - SYSCALL_LEN);
	struct text_site *site;
	uint64_t sys;

	if (ip == unwind_called())
		turbo_counts.direct++;
	else
		turbo_counts.trapped++;
	if (p == NULL)
		return;
	noted_addr = ip - SYSCALL_LEN;
	sys = p->off + (noted_addr - p->start);
	site = text_site_find(p->file, sys);
	if (site == NULL)
		site = text_site_add(p->file, sys);
	if (site == NULL)
		return;
	site->traps++;
	m->traps++;
	if (site->state == SITE_NEW && site->traps >= TRAPS_TO_DECIDE)
		site_decide(th, p, site);
	if (site->state == SITE_SEEN && site->traps >= TRAPS_TO_SEARCH)
		text_site_decide_gap(p->file, site);
	if (site->state != SITE_PATCHED)
		return;
	if (m->warm) {
		site_remap(th, p, sys);
	} else if (m->traps >= TRAPS_TO_WARM) {
		modules_warm(th);
		if (th->box == NULL)
			box_give(th);
	}
}

/* ---- passing through ---- */

/* Where th's space has the file of that number.  False: nowhere. */
static bool module_base(const struct modules *m, unsigned module, uint64_t *base)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (m->piece[i].file->module == module) {
			*base = piece_base(&m->piece[i]);
			return true;
		}
	}
	return false;
}

struct place {
	enum trampoline_step step;
	uaddr_t start, sys; /* of the site: its first replaced instruction, and its `syscall` */
	bool moved;	    /* an instruction lies between the two ... */
	bool first;	    /* ... and was executed last */
	bool in_text;	    /* not in the trampoline yet */
};

/* In the bytes of a site that lead to its trampoline, but not at its first one? */
static bool place_in_text(const struct piece *p, uint64_t off, struct place *place)
{
	const struct text_page *page = text_page_find(p->file, off);

	for (unsigned i = 0; page != NULL && i < page->sites; i++) {
		const struct patch_plan *plan = &page->site[i]->plan;
		uint64_t jump = plan->piece[0].off + plan->piece[0].len - JMP_SLOT_LEN;

		if (page->site[i]->state != SITE_PATCHED)
			continue;
		place->start = piece_base(p) + plan->start;
		place->sys = piece_base(p) + plan->sys;
		place->moved = plan->kind == PATCH_BEFORE;
		place->first = false;
		place->in_text = true;
		if (plan->pieces == 1 && off == jump && jump != plan->start) {
			place->step = TRAMPOLINE_BEFORE;
			return true;
		}
		for (int k = 1; k < plan->pieces; k++) {
			if (off == plan->piece[k].off) {
				place->step = place->moved ? TRAMPOLINE_BEFORE : TRAMPOLINE_CALL;
				return true;
			}
		}
	}
	return false;
}

static bool place_find(const struct vthread *th, uaddr_t rip, struct place *place)
{
	const struct modules *m = modules_of(th);
	const struct trampoline *t;
	const struct piece *p;
	uint64_t base;

	if (m == NULL)
		return false;
	place->step = trampoline_at(rip, &t);
	if (place->step != TRAMPOLINE_NOT) {
		if (!module_base(m, t->module, &base))
			return false;
		place->start = base + t->start;
		place->sys = base + t->sys;
		place->moved = t->displaced_len > 0;
		place->in_text = false;
		place->first = (rip - turbo.trampolines) % TRAMPOLINE_SIZE == t->displaced_len;
		return true;
	}
	p = piece_at(m, rip);
	return p != NULL && p->file->patched > 0 &&
	       place_in_text(p, p->off + (rip - p->start), place);
}

/* At the byte where a moved site's `syscall` was? */
static bool at_old_syscall(const struct vthread *th, uaddr_t rip)
{
	const struct modules *m = modules_of(th);
	const struct piece *p = m == NULL ? NULL : piece_at(m, rip);
	struct text_site *site =
	    p == NULL ? NULL : text_site_find(p->file, p->off + (rip - p->start));

	if (site == NULL || site->state != SITE_PATCHED || site->plan.kind != PATCH_BEFORE)
		return false;
	site->caught++;
	turbo_counts.caught++;
	return true;
}

static void rip_set(struct vthread *th, uaddr_t rip)
{
	th->regs.rip = rip;
	if (th->dirt == DIRT_NONE)
		th->dirt = DIRT_GENERAL;
}

static enum site_fault fault_judge(struct vthread *th, int signo)
{
	struct place place;

	if (modules_of(th) == NULL || regs_load(th) < 0 || th->regs.cs != GUEST_CS)
		return SITE_IS_NOT;
	if (signo == SIGILL && at_old_syscall(th, th->regs.rip))
		return SITE_IS_CALL;
	if (!place_find(th, th->regs.rip, &place))
		return SITE_IS_NOT;
	if (place.step == TRAMPOLINE_BEFORE) {
		if (signo == SIGTRAP)
			return SITE_IS_GO_ON;
		rip_set(th, place.start);
		return SITE_IS_NOT;
	}
	if (signo == SIGTRAP && place.in_text)
		return SITE_IS_GO_ON;
	rip_set(th, place.sys);
	return signo == SIGTRAP && place.moved && place.first ? SITE_IS_NOT : SITE_IS_CALL;
}

int site_fault(struct vthread *th, int signo)
{
	enum site_fault ret = fault_judge(th, signo);

	if (ret == SITE_IS_GO_ON)
		regs_forget(th);
	return ret;
}

bool site_unwind(const struct vthread *th, struct regs *r)
{
	struct place place;

	if (r->cs != GUEST_CS || !place_find(th, r->rip, &place))
		return false;
	r->rip = place.step == TRAMPOLINE_BEFORE ? place.start : place.sys;
	return true;
}

/* ---- on and off ---- */

/* A call that stops its thread in any case gains nothing by the way through the stub. */
static bool call_worth(int64_t nr)
{
	if (nr == SYS_exit || nr == SYS_exit_group)
		return false;
	return nr < SHAPES_MAX && turbo.control->shape[nr] != SHAPE_DIRECT;
}

void sites_init(void (*to)(const char *text))
{
	note = to;
	text_note = to == NULL ? NULL : site_note;
	turbo_counts = (struct turbo_counts){0};
	text_worth = call_worth;
	turbo_parts = (struct turbo_parts){
	    .space_clone = modules_clone,
	    .space_fini = modules_fini,
	    .space_given = modules_publish,
	    .unwind = site_unwind,
	    .trapped = site_trapped,
	    .fault = site_fault,
	};
}

void sites_fini(void)
{
	if (note != NULL) {
		text_each(site_note_left);
		counts_note();
	}
	note = NULL;
	turbo_parts = (struct turbo_parts){NULL};
	text_fini();
}
