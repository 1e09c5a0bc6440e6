/*
 * patch.c - decides by its bytes whether a system call may be replaced by a jump, and how.
 *
 * What must stay true for the program: every place to which a thread may come, or at which one may
 * stand, does what it did.  So no plan leaves a new meaning at an old instruction boundary:
 *
 *	PATCH_BEFORE: the instruction before `syscall`, when it has five bytes or more and means
 *	the same anywhere (`mov $nr,%eax` above all), moves to the trampoline:
 *
 *		b8 nr nr nr nr | 0f 05		ff 24 25 lo mi | 06 00
 *		mov $nr,%eax   | syscall	jmp *slot
 *
 *	The slots lie where the third byte of their address is 06 or 07, which the CPU refuses.
 *	So a thread that stood between the two, or jumps there, or is sent back there to restart
 *	its call, gets SIGILL there and nothing else, and the machine knows what was meant.
 *
 *	PATCH_GAP: `syscall` itself becomes a short jump, to bytes that nothing can reach: padding
 *	behind a ret or jmp.  They hold `jmp *slot`, or, where they are too few, a jump to others.
 *	(Where `syscall` lies across two pages, the instruction before it becomes that short jump
 *	and moves as above.)
 *
 * Where instructions begin is taken as known when all decodings that start some way before agree.
 * That bytes are dead is taken as proven when they are padding between an instruction after which
 * the CPU does not go on and an aligned one, and nothing in the whole text, decoded at whatever
 * byte, has them for its relative target.
 */
#include "patch.h"

#include <Zydis/Zydis.h>
#include <string.h>
#include <sys/types.h>

#define PAGE 4096UL

/* A decoding is trusted that began this many bytes before, or more. */
#define SYNC_NEAR 40
#define SYNC_FAR  100
#define SYNC_MIN  12 /* so many of them have to agree */

#define JMP_SLOT_LEN 7 /* ff 24 25 imm32 */
#define JMP_REL_LEN  5 /* e9 rel32 */
#define SYSCALL_LEN  2

#define REFUSED 0x06 /* no opcode in 64-bit mode */

#define NR_RT_SIGRETURN 15

static const ZydisDecoder *decoder(void)
{
	static ZydisDecoder d;
	static bool ready;

	if (!ready)
		ready = ZYAN_SUCCESS(
		    ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
	return &d;
}

/* Lengths that were asked for since the text changed; most are wanted several times. */
#define MEMO 512
static struct {
	uint64_t off;
	uint8_t len;
	unsigned turn; /* 0 never */
} memo[MEMO];
static unsigned memo_turn;

/* The length of the instruction at off; 0: none. */
static size_t length_at(const struct patch_text *t, uint64_t off)
{
	ZydisDecodedInstruction insn;
	uint64_t at = off - t->off;

	if (off < t->off || at >= t->len)
		return 0;
	if (memo[off % MEMO].turn == memo_turn && memo[off % MEMO].off == off)
		return memo[off % MEMO].len;
	if (!ZYAN_SUCCESS(
		ZydisDecoderDecodeInstruction(decoder(), NULL, t->bytes + at, t->len - at, &insn)))
		insn.length = 0;
	memo[off % MEMO].turn = memo_turn;
	memo[off % MEMO].off = off;
	memo[off % MEMO].len = insn.length;
	return insn.length;
}

static uint8_t byte_at(const struct patch_text *t, uint64_t off)
{
	return t->bytes[off - t->off];
}

static bool page_same(uint64_t a, uint64_t b)
{
	return a / PAGE == b / PAGE;
}

/* Does an instruction begin at off?  Each start in the window decodes on to off (hit), over it
 * (miss), or to bytes that are no instruction, which says nothing. */
static bool boundary_proven(const struct patch_text *t, uint64_t off)
{
	enum { DEAD, MISS, HIT } end[SYNC_FAR + 1];
	uint64_t room = off - t->off;
	unsigned far = room < SYNC_FAR ? (unsigned)room : SYNC_FAR, hits = 0;

	end[0] = HIT;
	for (unsigned back = 1; back <= far; back++) {
		size_t len = length_at(t, off - back);

		end[back] = len == 0 ? DEAD : len > back ? MISS : end[back - len];
		if (back >= SYNC_NEAR && end[back] == MISS)
			return false;
		hits += back >= SYNC_NEAR && end[back] == HIT;
	}
	return hits >= SYNC_MIN;
}

/* May the trampoline carry it out in its place? */
static bool movable(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand)
{
	if (insn->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE)
		return false;
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_BINARY:
	case ZYDIS_CATEGORY_LOGICAL:
	case ZYDIS_CATEGORY_DATAXFER:
	case ZYDIS_CATEGORY_CMOV:
	case ZYDIS_CATEGORY_MISC: /* lea */
	case ZYDIS_CATEGORY_SHIFT:
	case ZYDIS_CATEGORY_NOP:
	case ZYDIS_CATEGORY_WIDENOP:
		break;
	default:
		return false;
	}
	if (insn->meta.category == ZYDIS_CATEGORY_MISC && insn->mnemonic != ZYDIS_MNEMONIC_LEA)
		return false;
	if (insn->attributes &
	    (ZYDIS_ATTRIB_IS_PRIVILEGED | ZYDIS_ATTRIB_IS_RELATIVE | ZYDIS_ATTRIB_HAS_LOCK))
		return false;
	for (int i = 0; i < insn->operand_count; i++) {
		const ZydisDecodedOperand *o = &operand[i];

		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (o->reg.value == ZYDIS_REGISTER_RIP ||
		     (o->reg.value >= ZYDIS_REGISTER_ES && o->reg.value <= ZYDIS_REGISTER_GS)))
			return false;
		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (o->mem.base == ZYDIS_REGISTER_RIP || o->mem.segment == ZYDIS_REGISTER_GS))
			return false;
	}
	return true;
}

/* The number that `mov $nr,%eax` or %rax puts there, or -1. */
static int64_t number_set(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand)
{
	if (insn->mnemonic != ZYDIS_MNEMONIC_MOV || insn->operand_count_visible != 2 ||
	    operand[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    operand[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
	    (operand[0].reg.value != ZYDIS_REGISTER_EAX &&
	     operand[0].reg.value != ZYDIS_REGISTER_RAX))
		return -1;
	return (uint32_t)operand[1].imm.value.u;
}

static void refuse(struct patch_plan *plan, const char *why)
{
	plan->kind = PATCH_NONE;
	plan->why = why;
	plan->pieces = 0;
}

/* What both ways ask first. */
static bool site_plausible(const struct patch_text *t, uint64_t sys, struct patch_plan *plan)
{
	memo_turn++;
	*plan = (struct patch_plan){.sys = sys, .start = sys, .nr = -1};
	if (sys < t->off || sys - t->off + SYSCALL_LEN > t->len || byte_at(t, sys) != 0x0f ||
	    byte_at(t, sys + 1) != 0x05)
		refuse(plan, "there is no syscall instruction");
	else if (!boundary_proven(t, sys))
		refuse(plan, "not clear how to decode what is before it");
	else
		return true;
	return false;
}

/* The instruction before sys: its length, or 0 when it is not clear. */
static size_t before_find(const struct patch_text *t, uint64_t sys)
{
	for (size_t len = 1; len <= PATCH_DISPLACED_MAX && sys - t->off >= len; len++) {
		if (length_at(t, sys - len) == len && boundary_proven(t, sys - len))
			return len;
	}
	return 0;
}

/* The instruction before, and what is known of the call's number by it.  False: leave it alone. */
static bool before_read(const struct patch_text *t, struct patch_plan *plan,
			ZydisDecodedInstruction *insn, ZydisDecodedOperand *operand)
{
	size_t len = before_find(t, plan->sys);

	insn->length = 0;
	if (len == 0 || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(
			    decoder(), t->bytes + (plan->sys - len - t->off), len, insn, operand)))
		return true;
	plan->nr = number_set(insn, operand);
	if (plan->nr != NR_RT_SIGRETURN)
		return true;
	/* A signal handler's way back is told by its bytes, where unwinders have nothing else.
	 * They look at the byte before what a handler returns to. */
	if (t->known != NULL && t->known(t->context, plan->sys - len - 1, plan->sys + SYSCALL_LEN))
		return true;
	refuse(plan, "unwinders know rt_sigreturn by its bytes");
	return false;
}

static void displace(const struct patch_text *t, struct patch_plan *plan, size_t len)
{
	plan->kind = PATCH_BEFORE;
	plan->start = plan->sys - len;
	plan->displaced_len = (uint8_t)len;
	memcpy(plan->displaced, t->bytes + (plan->start - t->off), len);
}

void patch_before(const struct patch_text *t, uint64_t sys, struct patch_plan *plan)
{
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	size_t len;

	if (!site_plausible(t, sys, plan) || !before_read(t, plan, &insn, operand))
		return;
	len = insn.length;
	if (len == 0)
		refuse(plan, "not clear which instruction is before it");
	else if (!page_same(sys, sys + SYSCALL_LEN - 1))
		refuse(plan, "it lies across two pages");
	else if (len < JMP_SLOT_LEN - SYSCALL_LEN)
		refuse(plan, "the instruction before it is too short");
	else if (len + SYSCALL_LEN > sizeof(plan->piece[0].bytes))
		refuse(plan, "the instruction before it is too long");
	else if (!movable(&insn, operand))
		refuse(plan, "the instruction before it cannot be moved");
	else if (!page_same(sys - len, sys + SYSCALL_LEN - 1))
		refuse(plan, "what would be replaced lies across two pages");
	if (plan->why != NULL)
		return;
	displace(t, plan, len);
	plan->why = plan->nr >= 0 ? "mov+syscall" : "instruction+syscall";
	plan->pieces = 1;
	plan->piece[0] = (struct patch_piece){plan->start, (uint8_t)(len + SYSCALL_LEN), {0}};
}

/* ---- dead bytes ---- */

struct gap {
	uint64_t off;
	size_t len;
};

/* Does the CPU never go on behind this instruction? */
static bool ends_flow(const ZydisDecodedInstruction *insn)
{
	return insn->meta.category == ZYDIS_CATEGORY_RET || insn->mnemonic == ZYDIS_MNEMONIC_JMP ||
	       insn->mnemonic == ZYDIS_MNEMONIC_UD2;
}

static bool is_padding(const ZydisDecodedInstruction *insn)
{
	return insn->mnemonic == ZYDIS_MNEMONIC_NOP || insn->mnemonic == ZYDIS_MNEMONIC_INT3;
}

/* Do the bytes before i end in what a 32-bit code address follows: call, jmp, jcc, xbegin, or the
 * lea of a computed jump? */
static bool before_rel32(const uint8_t *bytes, size_t i)
{
	if (i >= 1 && (bytes[i - 1] & 0xfe) == 0xe8)
		return true;
	if (i < 2)
		return false;
	return (bytes[i - 2] == 0x0f && (bytes[i - 1] & 0xf0) == 0x80) ||
	       (bytes[i - 2] == 0xc7 && bytes[i - 1] == 0xf8) ||
	       (bytes[i - 2] == 0x8d && (bytes[i - 1] & 0xc7) == 0x05);
}

/* Might something in text, read at whatever byte but its own, have [off, off + len) for its
 * relative target? */
static bool targeted(const struct patch_text *t, uint64_t off, size_t len)
{
	size_t lo = off - t->off, hi = lo + len, n = t->len < 4 ? 0 : t->len - 3;

	for (size_t i = 0; i < n; i++) {
		uint32_t rel;

		memcpy(&rel, t->bytes + i, sizeof(rel));
		if (__builtin_expect((uint32_t)(i + 4) + rel - (uint32_t)lo < (uint32_t)len, 0) &&
		    (i < lo || i >= hi) && before_rel32(t->bytes, i))
			return true;
	}
	for (size_t i = lo > 130 ? lo - 130 : 0; i + 1 < t->len && i < hi + 130; i++) {
		uint8_t op = t->bytes[i];
		size_t to = i + 2 + (size_t)(ssize_t)(int8_t)t->bytes[i + 1];

		if (((op & 0xf0) == 0x70 || op == 0xeb || (op & 0xfc) == 0xe0) && to - lo < len &&
		    (i < lo || i >= hi))
			return true;
	}
	return false;
}

static bool is_taken(uint64_t off, size_t len, const struct patch_piece *taken, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (off < taken[i].off + taken[i].len && taken[i].off < off + len)
			return true;
	}
	return false;
}

/* The padding from off on, up to where the next function may begin (some begin with nops), in off's
 * page.  0: none, or not before an aligned instruction. */
static size_t padding_at(const struct patch_text *t, uint64_t off)
{
	ZydisDecodedInstruction insn;
	uint64_t at = off, aligned = (off / 16 + 1) * 16;

	if (off % 16 == 0)
		return 0;
	while (at < aligned && at - t->off < t->len &&
	       ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder(), NULL, t->bytes + (at - t->off),
							  t->len - (at - t->off), &insn)) &&
	       is_padding(&insn))
		at += insn.length;
	if (at > aligned)
		at = aligned;
	return at % 8 == 0 ? at - off : 0;
}

/* The next gap of at least len bytes whose first byte is in [from, to). */
static bool gap_find(const struct patch_text *t, uint64_t from, uint64_t to, size_t len,
		     const struct patch_piece *taken, size_t ntaken, struct gap *gap)
{
	ZydisDecodedInstruction insn;

	for (uint64_t at = from; at < to; at++) {
		size_t room;

		if (at <= t->off || at - t->off >= t->len)
			continue;
		/* Cheap looks first: few bytes begin padding. */
		if (byte_at(t, at) != 0x0f && byte_at(t, at) != 0x66 && byte_at(t, at) != 0x90 &&
		    byte_at(t, at) != 0x2e && byte_at(t, at) != 0xcc)
			continue;
		room = padding_at(t, at);
		if (room < len || is_taken(at, len, taken, ntaken))
			continue;
		for (uint64_t back = 1; back <= 6 && at - back >= t->off; back++) {
			if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
				decoder(), NULL, t->bytes + (at - back - t->off), back, &insn)) ||
			    insn.length != back || !ends_flow(&insn))
				continue;
			if (!boundary_proven(t, at - back) || targeted(t, at, room))
				continue;
			*gap = (struct gap){at, room};
			return true;
		}
	}
	return false;
}

static void piece_jump(struct patch_plan *plan, uint64_t from, uint64_t to)
{
	struct patch_piece *p = &plan->piece[plan->pieces++];
	uint32_t rel = (uint32_t)(to - (from + JMP_REL_LEN));

	*p = (struct patch_piece){from, JMP_REL_LEN, {0xe9}};
	memcpy(p->bytes + 1, &rel, sizeof(rel));
}

/* Two bytes, or the first of them and the instruction before, become a short jump.  Where syscall
 * lies across two pages only its first byte can change, into one that the CPU refuses. */
static bool site_shorten(const struct patch_text *t, struct patch_plan *plan,
			 const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operand)
{
	struct patch_piece *p = &plan->piece[0];

	plan->pieces = 1;
	plan->kind = PATCH_GAP;
	*p = (struct patch_piece){plan->sys, SYSCALL_LEN, {0xeb}};
	if (page_same(plan->sys, plan->sys + SYSCALL_LEN - 1))
		return true;
	if (insn->length < SYSCALL_LEN || !movable(insn, operand) ||
	    !page_same(plan->sys - insn->length, plan->sys)) {
		refuse(plan, "it lies across two pages");
		return false;
	}
	displace(t, plan, insn->length);
	*p = (struct patch_piece){plan->start, (uint8_t)(insn->length + 1), {0xeb}};
	memset(p->bytes + SYSCALL_LEN, 0xcc, insn->length - SYSCALL_LEN);
	p->bytes[insn->length] = REFUSED;
	return true;
}

void patch_gap(const struct patch_text *t, uint64_t sys, const struct patch_piece *taken,
	       size_t ntaken, struct patch_plan *plan)
{
	uint64_t page = sys / PAGE * PAGE, from, to;
	struct gap near, far;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];

	if (!site_plausible(t, sys, plan) || !before_read(t, plan, &insn, operand) ||
	    !site_shorten(t, plan, &insn, operand))
		return;
	from = plan->start - page < 120 ? page : plan->start - 120;
	to = page + PAGE - plan->start < 128 ? page + PAGE : plan->start + 128;
	if (plan->displaced_len >= JMP_REL_LEN) { /* room for a long one */
		if (!gap_find(t, page, page + PAGE, JMP_SLOT_LEN, taken, ntaken, &far)) {
			refuse(plan, "no dead bytes in its page");
			return;
		}
		plan->pieces = 0;
		piece_jump(plan, plan->start, far.off);
		plan->piece[0].len = plan->displaced_len + 1;
		memset(plan->piece[0].bytes + JMP_REL_LEN, 0xcc,
		       plan->displaced_len - (size_t)JMP_REL_LEN);
		plan->piece[0].bytes[plan->displaced_len] = REFUSED;
	} else if (gap_find(t, from, to, JMP_SLOT_LEN, taken, ntaken, &near)) {
		far = near;
	} else if (gap_find(t, from, to, JMP_REL_LEN, taken, ntaken, &near) &&
		   gap_find(t, page, page + PAGE, JMP_SLOT_LEN, taken, ntaken, &far) &&
		   (far.off >= near.off + near.len || near.off >= far.off + far.len)) {
		piece_jump(plan, near.off, far.off);
	} else {
		refuse(plan, "no dead bytes within reach");
		return;
	}
	if (plan->piece[0].bytes[0] == 0xeb)
		plan->piece[0].bytes[1] = (uint8_t)(near.off - (plan->start + SYSCALL_LEN));
	plan->piece[plan->pieces++] = (struct patch_piece){far.off, JMP_SLOT_LEN, {0}};
	plan->why = plan->pieces == 2 ? "gap" : "two gaps";
}

void patch_aim(struct patch_plan *plan, uint32_t slot)
{
	struct patch_piece *p = &plan->piece[plan->pieces - 1];
	const uint8_t jump[3] = {0xff, 0x24, 0x25};
	/* One instruction that does nothing, for what the jump leaves over in front. */
	static const uint8_t nop[][9] = {
	    {0},
	    {0x90},
	    {0x66, 0x90},
	    {0x0f, 0x1f, 0x00},
	    {0x0f, 0x1f, 0x40, 0x00},
	    {0x0f, 0x1f, 0x44, 0x00, 0x00},
	    {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
	    {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
	    {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	    {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	};
	size_t front = p->len - JMP_SLOT_LEN, rest = front;
	uint8_t *to = p->bytes;

	while (rest > 0) {
		size_t part = rest < 9 ? rest : 9;

		memcpy(to, nop[part], part);
		to += part;
		rest -= part;
	}
	memcpy(to, jump, sizeof(jump));
	memcpy(to + sizeof(jump), &slot, sizeof(slot));
}
