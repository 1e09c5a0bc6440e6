/*
 * trampoline.c - the way from a patched site into the stub.
 *
 * Each site has a slot, which holds the address that its jump goes to, and 64 bytes of code:
 *
 *		(the displaced instruction)
 *		mov	TURBO_MODULES + 8 * module, %rcx
 *		lea	offset(%rcx), %rcx		the return address
 *		jmp	entry				of the stub
 *
 * All spaces share them: where a space has mapped the file is read from a page of its own.  rcx is
 * free, as the CPU's syscall overwrites it; no other register, no flag and no stack is touched.
 *
 * Guest code may jump to any byte here and gains nothing: it could as well execute these
 * instructions in a page of its own.
 */
#include "trampoline.h"

#include <errno.h>
#include <string.h>

#include "patch.h"
#include "turbo.h"

#define LOAD_LEN    8 /* mov abs32, %rcx */
#define LEA_LEN	    7
#define SYSCALL_LEN 2

_Static_assert(TURBO_SITES_MAX *TRAMPOLINE_SIZE <= TURBO_TRAMPOLINES_SIZE, "room for all");

static struct trampoline all[TURBO_SITES_MAX];
static unsigned used, next_free, made;

unsigned trampolines_made(void)
{
	return made;
}

void trampolines_fini(void)
{
	memset(all, 0, sizeof(all));
	used = next_free = made = 0;
}

static uint8_t *put32(uint8_t *to, uint32_t value)
{
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

static void code_write(int number, const struct patch_plan *plan, unsigned module)
{
	uint8_t code[TRAMPOLINE_SIZE], *at = code;
	uaddr_t base = turbo.trampolines + (uaddr_t)number * TRAMPOLINE_SIZE;

	memset(code, 0xcc, sizeof(code));
	memcpy(at, plan->displaced, plan->displaced_len);
	at += plan->displaced_len;
	memcpy(at, "\x48\x8b\x0c\x25", 4);
	at = put32(at + 4, TURBO_MODULES + 8 * module);
	memcpy(at, "\x48\x8d\x89", 3);
	at = put32(at + 3, (uint32_t)plan->sys + SYSCALL_LEN);
	*at = 0xe9;
	put32(at + 1, (uint32_t)(turbo.entry - (base + (uaddr_t)(at - code) + 5)));
	memcpy(turbo.trampolines_view + (size_t)number * TRAMPOLINE_SIZE, code, sizeof(code));
}

int trampoline_make(struct patch_plan *plan, unsigned module)
{
	unsigned number = next_free;

	if (used == TURBO_SITES_MAX || plan->sys > (uint64_t)INT32_MAX - SYSCALL_LEN)
		return -ENOSPC;
	while (all[number].used)
		number = (number + 1) % TURBO_SITES_MAX;
	all[number] = (struct trampoline){
	    .used = true,
	    .displaced_len = plan->displaced_len,
	    .module = (uint16_t)module,
	    .sys = (uint32_t)plan->sys,
	    .start = (uint32_t)plan->start,
	};
	used++;
	made++;
	next_free = (number + 1) % TURBO_SITES_MAX;
	code_write((int)number, plan, module);
	turbo.slots[number] = turbo.trampolines + (uaddr_t)number * TRAMPOLINE_SIZE;
	patch_aim(plan, TURBO_SLOTS + 8 * number);
	return (int)number;
}

void trampoline_free(int number)
{
	if (number < 0 || !all[number].used)
		return;
	all[number].used = false;
	turbo.slots[number] = 0;
	used--;
}

enum trampoline_step trampoline_at(uaddr_t rip, const struct trampoline **out)
{
	uaddr_t at = rip - turbo.trampolines, call;
	const struct trampoline *t;

	if (turbo.trampolines == 0 || at >= (uaddr_t)TURBO_SITES_MAX * TRAMPOLINE_SIZE)
		return TRAMPOLINE_NOT;
	t = &all[at / TRAMPOLINE_SIZE];
	at %= TRAMPOLINE_SIZE;
	call = t->displaced_len;
	*out = t;
	if (!t->used)
		return TRAMPOLINE_NOT;
	if (at == call || at == call + LOAD_LEN || at == call + LOAD_LEN + LEA_LEN)
		return TRAMPOLINE_CALL;
	return at == 0 ? TRAMPOLINE_BEFORE : TRAMPOLINE_NOT;
}
