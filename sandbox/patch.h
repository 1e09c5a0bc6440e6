/*
 * patch.h - may the system call at this place be replaced by a jump, and by which bytes.
 *
 * Pure: bytes in, a plan out.  Nothing here knows of guests, files or memory.
 */
#ifndef SANDBOX_PATCH_H
#define SANDBOX_PATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a program's text as they are in its file.  Pages are those of the file, as they are
 * those of memory. */
struct patch_text {
	const uint8_t *bytes;
	uint64_t off; /* of bytes[0] in the file */
	size_t len;
	/* Unwinders do not need the bytes at from..to to know them for a signal handler's way back.
	 * NULL: they do. */
	bool (*known)(void *context, uint64_t from, uint64_t to);
	void *context;
};

enum patch_kind {
	PATCH_NONE,
	PATCH_BEFORE, /* the instruction before, of five bytes or more, makes room */
	PATCH_GAP,    /* a short jump there to dead bytes, which hold the long one */
};

#define PATCH_DISPLACED_MAX 15
#define PATCH_PIECES_MAX    3

/* New bytes for one place. */
struct patch_piece {
	uint64_t off;
	uint8_t len, bytes[16];
};

struct patch_plan {
	enum patch_kind kind;
	const char *why;       /* PATCH_NONE: why not; else what it does, in a word or two */
	uint64_t sys;	       /* where `syscall` is; it returns to sys + 2 */
	uint64_t start;	       /* the first instruction that is replaced */
	int64_t nr;	       /* the number, where the instruction before sets it; -1 else */
	uint8_t displaced_len; /* what the trampoline is to carry out first */
	uint8_t displaced[PATCH_DISPLACED_MAX];
	uint8_t pieces;
	struct patch_piece piece[PATCH_PIECES_MAX];
};

/* Look at the `syscall` at offset sys.  PATCH_BEFORE or PATCH_NONE; text should reach back some
 * hundred bytes. */
void patch_before(const struct patch_text *text, uint64_t sys, struct patch_plan *plan);

/* The same by dead bytes near by, in sys' page: PATCH_GAP, or PATCH_BEFORE with more than one
 * piece.  text: all that may branch to them; this reads every byte of it.  taken: pieces that lie
 * in the page already. */
void patch_gap(const struct patch_text *text, uint64_t sys, const struct patch_piece *taken,
	       size_t ntaken, struct patch_plan *plan);

/* Complete the plan's bytes: the jump goes by the pointer at slot, an address below 4 GiB of which
 * bits 16..23 must be an opcode that the CPU refuses (6 or 7); so that the place where `syscall`
 * was raises SIGILL. */
void patch_aim(struct patch_plan *plan, uint32_t slot);

#endif
