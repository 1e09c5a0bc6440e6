/*
 * args.c - the arguments and environment of execve, read out of the guest in whole pages: they lie
 * near each other there, in no certain order, and one copy costs as much as one string.
 */
#include "kern/task.h"
#include "mm/exec.h"
#include "mm/mm.h"
#include "mm/region.h"
#include "mm/uaccess.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define STRING_MAX  (32 * PAGE_SIZE) /* one string with its NUL (execve(2)) */
#define STRINGS_MAX INT32_MAX
#define ARGS_MIN    (128UL << 10) /* always allowed */
#define ARGS_MAX    (6UL << 20)	  /* never more: three quarters of the usual stack limit */

#define PAGES_KEPT 8

/* All strings so far, and the pages of the guest that were read last. */
struct reader {
	struct task *t;
	char *buf;
	size_t len, size;
	size_t limit;		     /* for strings and pointers together */
	uaddr_t page_at[PAGES_KEPT]; /* 0: none; which one depends on the address */
	char *pages;
};

static uint64_t args_limit(struct task *t)
{
	uint64_t limit = rlimit_now(t, RLIMIT_STACK) / 4;

	if (limit > ARGS_MAX)
		limit = ARGS_MAX;
	return limit < ARGS_MIN ? ARGS_MIN : limit;
}

/* The guest's bytes at addr up to the end of its page. */
static const char *reader_bytes(struct reader *r, uaddr_t addr, size_t *len)
{
	uaddr_t at = addr & PAGE_MASK;
	unsigned i = (addr >> PAGE_SHIFT) % PAGES_KEPT;
	char *page = r->pages + i * PAGE_SIZE;

	if (at == 0)
		return NULL;
	if (r->page_at[i] != at) {
		r->page_at[i] = 0;
		if (copy_from_user(r->t, page, at, PAGE_SIZE))
			return NULL;
		r->page_at[i] = at;
	}
	*len = PAGE_SIZE - (addr - at);
	return page + (addr - at);
}

static int buf_append(struct reader *r, const char *from, size_t n)
{
	if (r->len + n > r->limit)
		return -E2BIG;
	if (r->len + n > r->size) {
		size_t size = r->size ? r->size * 2 : 4096;
		char *bigger;

		while (size < r->len + n)
			size *= 2;
		bigger = realloc(r->buf, size);
		if (!bigger)
			return -ENOMEM;
		r->buf = bigger;
		r->size = size;
	}
	memcpy(r->buf + r->len, from, n);
	r->len += n;
	return 0;
}

static int string_read(struct reader *r, uaddr_t addr)
{
	size_t total = 0;

	for (;;) {
		size_t len;
		const char *p = reader_bytes(r, addr, &len), *nul;
		int err;

		if (!p)
			return -EFAULT;
		nul = memchr(p, 0, len);
		if (nul)
			len = nul - p + 1;
		total += len;
		if (total > STRING_MAX)
			return -E2BIG;
		err = buf_append(r, p, len);
		if (err || nul)
			return err;
		addr += len;
	}
}

/* Read a NULL-ended array of pointers; *n gets their number, *out is from malloc. */
static int pointers_read(struct task *t, uaddr_t addr, uint64_t limit, uint64_t **out, int *n)
{
	uint64_t *v = NULL;
	size_t count = 0, size = 0;

	*out = NULL;
	*n = 0;
	for (;;) {
		size_t chunk = (PAGE_SIZE - (addr & ~PAGE_MASK)) / 8;

		if (!chunk)
			chunk = 1; /* one that crosses pages */
		if (count + chunk > size) {
			uint64_t *bigger;

			size = (count + chunk) * 2;
			bigger = realloc(v, size * 8);
			if (!bigger) {
				free(v);
				return -ENOMEM;
			}
			v = bigger;
		}
		if (copy_from_user(t, v + count, addr, chunk * 8)) {
			free(v);
			return -EFAULT;
		}
		for (size_t end = count + chunk; count < end; count++) {
			if (!v[count]) {
				*out = v;
				*n = count;
				return 0;
			}
		}
		if (count * 8 > limit) {
			free(v);
			return -E2BIG;
		}
		addr += chunk * 8;
	}
}

static int strings_read(struct reader *r, const uint64_t *ptr, int n)
{
	for (int i = 0; i < n; i++) {
		int err = string_read(r, ptr[i]);

		if (err)
			return err;
	}
	return 0;
}

/* Pointers to the n strings from *s on, NULL-ended. */
static char **vector_make(char **s, int n)
{
	char **v = malloc((n + 1) * sizeof(*v));

	if (!v)
		return NULL;
	for (int i = 0; i < n; i++) {
		v[i] = *s;
		*s += strlen(*s) + 1;
	}
	v[n] = NULL;
	return v;
}

int exec_args_read(struct task *t, uaddr_t argv, uaddr_t envp, size_t filename_len,
		   struct exec_args *out)
{
	struct reader r = {.t = t, .limit = args_limit(t)};
	uint64_t *arg = NULL, *env = NULL;
	uint64_t fixed;
	int err = 0;
	char *s;

	out->argv = out->envp = NULL;
	out->block = NULL;
	out->argc = out->envc = 0;
	r.pages = malloc(PAGES_KEPT * PAGE_SIZE);
	if (!r.pages)
		return -ENOMEM;
	if (argv)
		err = pointers_read(t, argv, r.limit, &arg, &out->argc);
	if (!err && envp)
		err = pointers_read(t, envp, r.limit, &env, &out->envc);
	if (err)
		goto out;
	/* A program without even a name for itself gets an empty one, as since Linux 5.18. */
	fixed = 8UL * (out->argc + out->envc + !out->argc) + filename_len + 1;
	err = -E2BIG;
	if (fixed > r.limit)
		goto out;
	r.limit -= fixed;
	err = out->argc ? strings_read(&r, arg, out->argc) : buf_append(&r, "", 1);
	if (!err)
		err = strings_read(&r, env, out->envc);
	if (err)
		goto out;
	if (!out->argc)
		out->argc = 1;
	s = out->block = r.buf;
	out->argv = vector_make(&s, out->argc);
	out->envp = vector_make(&s, out->envc);
	r.buf = NULL;
	if (!out->argv || !out->envp)
		err = -ENOMEM;
out:
	free(r.buf);
	free(r.pages);
	free(arg);
	free(env);
	if (err)
		exec_args_free(out);
	return err;
}

void exec_args_free(struct exec_args *args)
{
	free(args->argv);
	free(args->envp);
	free(args->block);
	args->argv = args->envp = NULL;
	args->block = NULL;
}
