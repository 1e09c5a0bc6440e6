/*
 * module.c - where a space has mapped files whose system calls may be rewritten, and what becomes
 * of that when its mappings change.
 *
 * A piece is a private, executable, not writable mapping of a file that has never been anything
 * else: then memory shows what the file does, and nobody but us can have changed it.  What makes it
 * writable, or moves it, gets the file's own pages first, and it is no piece any more.  Within one
 * space all pieces of a file must have been put at the same distance, as a trampoline finds its way
 * back by one number; a second copy stays as it is.
 *
 * Pages are replaced by mappings, which other threads of the space see at once or not at all.
 */
#include "module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "patch.h"
#include "text.h"
#include "turbo.h"
#include "usermem.h"
#include "vm.h"
#include "vthread.h"

#define OPS_MAX 128 /* sent to the host in one go */
#define OPS_ONE 16  /* what one mapping of text may become */

static struct modules *modules_of(const struct turbo_space *space)
{
	return space == NULL ? NULL : space->text;
}

/* ---- the list ---- */

/* The first piece that ends above addr, as an index. */
static unsigned piece_index(const struct modules *m, uaddr_t addr)
{
	unsigned lo = 0, hi = m->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (m->piece[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct piece *piece_at(const struct modules *m, uaddr_t addr)
{
	unsigned i = piece_index(m, addr);

	return i < m->n && m->piece[i].start <= addr ? &m->piece[i] : NULL;
}

static bool modules_reserve(struct modules *m, unsigned more)
{
	unsigned room = m->room > 0 ? m->room : 16;
	struct piece *grown;

	while (room < m->n + more)
		room *= 2;
	if (room == m->room)
		return true;
	grown = realloc(m->piece, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	m->piece = grown;
	m->room = room;
	return true;
}

static void piece_insert(struct modules *m, unsigned at, struct piece piece)
{
	memmove(&m->piece[at + 1], &m->piece[at], (m->n - at) * sizeof(piece));
	m->piece[at] = piece;
	m->n++;
}

static void piece_remove(struct modules *m, unsigned at)
{
	struct text_file *file = m->piece[at].file;

	m->n--;
	memmove(&m->piece[at], &m->piece[at + 1], (m->n - at) * sizeof(m->piece[0]));
	text_put(file);
}

/* Let pieces end and begin at addr.  Without memory the one there is forgotten, which is safe: its
 * patched pages work, they are just not looked after. */
static void pieces_split(struct modules *m, uaddr_t addr)
{
	unsigned i = piece_index(m, addr);
	struct piece second;

	if (i == m->n || m->piece[i].start >= addr)
		return;
	if (!modules_reserve(m, 1)) {
		piece_remove(m, i);
		return;
	}
	second = m->piece[i];
	second.off += addr - second.start;
	second.start = addr;
	m->piece[i].end = addr;
	text_get(second.file);
	piece_insert(m, i + 1, second);
}

static void pieces_forget(struct modules *m, uaddr_t start, uaddr_t end)
{
	unsigned i;

	pieces_split(m, start);
	pieces_split(m, end);
	while ((i = piece_index(m, start)) < m->n && m->piece[i].start < end)
		piece_remove(m, i);
}

static void pieces_protect(struct modules *m, uaddr_t start, uaddr_t end, int prot)
{
	pieces_split(m, start);
	pieces_split(m, end);
	for (unsigned i = piece_index(m, start); i < m->n && m->piece[i].start < end; i++)
		m->piece[i].prot = prot;
}

/* Those of th's space, made if there are none yet.  NULL: no memory. */
static struct modules *modules_get(struct vthread *th)
{
	if (th->space == NULL)
		return NULL;
	if (th->space->text == NULL)
		th->space->text = calloc(1, sizeof(struct modules));
	return th->space->text;
}

int modules_clone(struct turbo_space *space, const struct turbo_space *from)
{
	const struct modules *old = modules_of(from);
	struct modules *m;

	if (old == NULL)
		return 0;
	m = calloc(1, sizeof(*m));
	if (m == NULL || !modules_reserve(m, old->n)) {
		free(m);
		return -ENOMEM;
	}
	for (; m->n < old->n; m->n++) {
		m->piece[m->n] = old->piece[m->n];
		text_get(m->piece[m->n].file);
	}
	m->warm = old->warm;
	space->text = m;
	return 0;
}

void modules_fini(struct turbo_space *space)
{
	struct modules *m = modules_of(space);

	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->n; i++)
		text_put(m->piece[i].file);
	free(m->piece);
	free(m);
	space->text = NULL;
}

/* ---- what trampolines add an offset to ---- */

static void piece_publish(struct turbo_space *space, const struct piece *p)
{
	if (space->modules != NULL)
		space->modules[p->file->module] = piece_base(p);
}

void modules_publish(struct turbo_space *space)
{
	const struct modules *m = modules_of(space);

	for (unsigned i = 0; m != NULL && i < m->n; i++)
		piece_publish(space, &m->piece[i]);
}

/* ---- changes to the space ---- */

static bool op_maps_text(const struct vm_op *op)
{
	return op->kind == VM_MAP && op->host_fd >= 0 && (op->flags & MAP_TYPE) == MAP_PRIVATE &&
	       (op->prot & PROT_EXEC) && !(op->prot & PROT_WRITE);
}

/* What op maps as a new piece.  False: it is to stay as it is. */
static bool piece_open(const struct modules *m, const struct vm_op *op, struct piece *p)
{
	struct text_file *file = text_open(op->host_fd);

	if (file == NULL)
		return false;
	text_extend(file, op->off, op->len);
	*p = (struct piece){op->addr, op->addr + op->len, op->off, op->prot, file};
	for (unsigned i = 0; i < m->n; i++) {
		if (m->piece[i].file == file && piece_base(&m->piece[i]) != piece_base(p)) {
			text_put(file);
			return false;
		}
	}
	return true;
}

/* A list of changes as it goes to the host, longer than what the kernel gave. */
static struct {
	struct vm_op op[OPS_MAX];
	uint16_t of[OPS_MAX]; /* which of the kernel's each belongs to */
	size_t n;
} list;

static bool list_add(const struct vm_op *op, size_t of)
{
	if (list.n == OPS_MAX)
		return false;
	list.of[list.n] = (uint16_t)of;
	list.op[list.n++] = *op;
	return true;
}

/* The file's own pages again, where patched ones may be. */
static bool list_restore(const struct modules *m, const struct vm_op *op, size_t of)
{
	uaddr_t end = op->addr + op->len;

	for (unsigned i = piece_index(m, op->addr); i < m->n && m->piece[i].start < end; i++) {
		const struct piece *p = &m->piece[i];
		uaddr_t lo = p->start > op->addr ? p->start : op->addr;
		struct vm_op map = {
		    .kind = VM_MAP,
		    .addr = lo,
		    .len = (p->end < end ? p->end : end) - lo,
		    .prot = p->prot,
		    .flags = MAP_PRIVATE,
		    .host_fd = p->file->fd,
		    .off = p->off + (lo - p->start),
		};

		if (p->file->patched > 0 && !list_add(&map, of))
			return false;
	}
	return true;
}

/* Those of file's patched pages in [off, end) that are not in its mirror, over a mapping at base +
 * off. */
static void list_patched(struct text_file *file, uint64_t base, uint64_t off, uint64_t end,
			 int prot, size_t of)
{
	struct vm_op map;

	for (unsigned i = 0, n = 1; i < file->pages && file->stale > 0; i++) {
		struct text_page *page = file->page[i];

		if (page->off < off || page->off >= end || !text_page_stale(page) || n++ == OPS_ONE)
			continue; /* it will trap, and be patched then */
		if (text_page_map(page, base + page->off, prot, &map))
			list_add(&map, of);
	}
}

/* A mapping of text, from where the patches are. */
static void list_map_text(const struct piece *p, const struct vm_op *op, size_t of)
{
	struct vm_op map = *op;

	text_substitute(p->file, &map);
	list_add(&map, of);
	list_patched(p->file, piece_base(p), op->off, op->off + op->len, op->prot, of);
}

/* The change has been made: what does it mean for the pieces? */
static void modules_changed(struct modules *m, const struct vm_op *op)
{
	switch (op->kind) {
	case VM_MAP:
	case VM_UNMAP:
		pieces_forget(m, op->addr, op->addr + op->len);
		break;
	case VM_PROTECT:
		if (op->prot & PROT_WRITE)
			pieces_forget(m, op->addr, op->addr + op->len);
		else
			pieces_protect(m, op->addr, op->addr + op->len, op->prot);
		break;
	case VM_REMAP:
		pieces_forget(m, op->addr, op->addr + op->len);
		pieces_forget(m, op->new_addr, op->new_addr + op->new_len);
		break;
	case VM_ADVISE:
	case VM_RESIDENT:
		break;
	}
}

static bool pieces_overlap(const struct modules *m, uaddr_t start, uaddr_t end)
{
	unsigned i = piece_index(m, start);

	return i < m->n && m->piece[i].start < end;
}

/* Do pieces lie where op changes something? */
static bool op_concerns(const struct modules *m, const struct vm_op *op)
{
	if (op->kind == VM_ADVISE || op->kind == VM_RESIDENT)
		return false;
	return pieces_overlap(m, op->addr, op->addr + op->len) ||
	       (op->kind == VM_REMAP &&
		pieces_overlap(m, op->new_addr, op->new_addr + op->new_len));
}

/* One change of pieces that there are; *applied says whether it took effect. */
static int op_apply(struct vthread *th, const struct vm_op *op, bool *applied)
{
	struct modules *m = modules_of(th->space);
	size_t done = 0;
	int ret;

	*applied = false;
	list.n = 0;
	if (((op->kind == VM_PROTECT && (op->prot & PROT_WRITE)) || op->kind == VM_REMAP) &&
	    !list_restore(m, op, 0))
		return -ENOMEM;
	if (!list_add(op, 0))
		return -ENOMEM;
	ret = vm_apply(th, list.op, list.n, &done);
	*applied = done == list.n;
	if (*applied)
		modules_changed(m, op);
	return ret;
}

/* Add a mapping of text, where no piece is now, to the list, and its piece as if it were made. */
static void list_add_text(struct vthread *th, const struct vm_op *op, size_t of)
{
	struct modules *m = modules_of(th->space);
	struct piece piece;

	if (!modules_reserve(m, 1) || !piece_open(m, op, &piece)) {
		list_add(op, of);
		return;
	}
	if (m->warm)
		list_map_text(&piece, op, of);
	else
		list_add(op, of);
	piece_insert(m, piece_index(m, piece.start), piece);
	piece_publish(th->space, &piece);
}

/* As many as can go to the host in one list: new mappings of text, and what no piece minds. */
static int ops_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	struct modules *m = modules_of(th->space);
	size_t i, sent = 0;
	int ret = 0;

	list.n = 0;
	for (i = 0; i < n && list.n + OPS_ONE < OPS_MAX && !op_concerns(m, &ops[i]); i++) {
		if (op_maps_text(&ops[i]))
			list_add_text(th, &ops[i], i);
		else
			list_add(&ops[i], i);
	}
	if (i > 0)
		ret = vm_apply(th, list.op, list.n, &sent);
	*done = i;
	if (sent == list.n)
		return ret;
	/* Where only a patched page could not be mapped, the change itself is made. */
	*done = list.of[sent];
	if (sent > 0 && list.of[sent - 1] == *done) {
		++*done;
		ret = 0;
	}
	for (size_t k = *done; k < i; k++) {
		if (op_maps_text(&ops[k]))
			pieces_forget(m, ops[k].addr, ops[k].addr + ops[k].len);
	}
	return ret;
}

static bool ops_map_text(const struct vm_op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (op_maps_text(&ops[i]))
			return true;
	}
	return false;
}

int modules_vm_apply(struct vthread *th, const struct vm_op *ops, size_t n, size_t *done)
{
	struct modules *m = modules_of(th->space);
	size_t ignored, some;
	bool applied;
	int ret = 0;

	if (done == NULL)
		done = &ignored;
	if (m == NULL && !ops_map_text(ops, n))
		return vm_apply(th, ops, n, done);
	if (m == NULL && (m = modules_get(th)) == NULL)
		return vm_apply(th, ops, n, done);
	if (n == 1 && !op_maps_text(ops) && !op_concerns(m, ops))
		return vm_apply(th, ops, n, done);
	for (*done = 0; *done < n && ret == 0;) {
		ret = ops_apply(th, ops + *done, n - *done, &some);
		*done += some;
		if (ret == 0 && *done < n && op_concerns(m, &ops[*done])) {
			if (ops[*done].kind == VM_MAP) {
				/* Gone with what comes in its place. */
				pieces_forget(m, ops[*done].addr, ops[*done].addr + ops[*done].len);
				continue;
			}
			ret = op_apply(th, &ops[*done], &applied);
			*done += applied;
		}
	}
	return ret;
}

void modules_warm(struct vthread *th)
{
	struct modules *m = modules_of(th->space);
	size_t done;

	m->warm = true;
	list.n = 0;
	for (unsigned i = 0; i < m->n && list.n + OPS_ONE < OPS_MAX; i++) {
		const struct piece *p = &m->piece[i];
		struct vm_op map = {
		    .kind = VM_MAP,
		    .addr = p->start,
		    .len = p->end - p->start,
		    .prot = p->prot,
		    .flags = MAP_PRIVATE,
		    .host_fd = p->file->fd,
		    .off = p->off,
		};

		if (p->file->patched == 0 || !(p->prot & PROT_EXEC))
			continue;
		text_substitute(p->file, &map);
		if (map.host_fd != p->file->fd)
			list_add(&map, i);
		list_patched(p->file, piece_base(p), p->off, p->off + map.len, p->prot, i);
	}
	if (list.n > 0)
		vm_apply(th, list.op, list.n, &done);
}

/* ---- reading ---- */

size_t modules_mem_read(struct vthread *th, uaddr_t from, void *to, size_t len)
{
	size_t got = mem_read(th, from, to, len);

	modules_restore(th, from, to, got);
	return got;
}

void modules_restore(const struct vthread *th, uaddr_t from, void *to, size_t len)
{
	const struct modules *m = modules_of(th->space);
	uaddr_t end = from + len;

	if (m == NULL || m->n == 0)
		return;
	for (unsigned i = piece_index(m, from); i < m->n && m->piece[i].start < end; i++) {
		const struct piece *p = &m->piece[i];

		for (unsigned k = 0; k < p->file->pages && p->file->patched > 0; k++) {
			const struct text_page *page = p->file->page[k];
			uaddr_t at = piece_base(p) + page->off, lo, hi;

			if (page->off < p->off || at >= p->end || page->patched == 0)
				continue;
			lo = at > from ? at : from;
			hi = at + PAGE_SIZE < end ? at + PAGE_SIZE : end;
			if (lo < hi)
				memcpy((uint8_t *)to + (lo - from), page->original + (lo - at),
				       hi - lo);
		}
	}
}
