/*
 * turbo_stub.S - where rewritten call sites end up; see turbo.h for the registers at its entry.
 *
 * Like stub_code.S, this is no gate: guest code may jump to any byte of it.  What it may do that
 * other guest code may not is sched_yield() (filter.c).
 */
#include "turbo.h"

	.text
	.balign 64
	.globl turbo_stub, turbo_stub_end, turbo_stub_entry
turbo_stub:
turbo_stub_entry:
	ud2
turbo_stub_end:

	.section .note.GNU-stack, "", @progbits
