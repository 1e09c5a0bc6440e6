/*
 * ways.c - the ways to run a program that are compared: natively, under each backend of ours, and
 * under each other system that is found here.
 */
#include "bench.h"

#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char bench_peer_packages[] = "strace proot umview user-mode-linux runsc";

/*
 * A peer is a command line.  %P stands for the program to run and its arguments.  boots: it is a
 * machine of its own, of which the measuring program is process 1.
 */
static const struct peer {
	const char *name, *command, *version;
	bool boots;
} peers[] = {
    {"strace", "strace -f -o /dev/null %P", "strace --version", false},
    {"proot", "proot %P", "proot --version", false},
    {"umview", "umview %P", "umview --version", false},
    {"uml",
     "linux.uml mem=1500M root=/dev/root rootfstype=hostfs rootflags=/ ro quiet con=null "
     "con0=null,fd:1 init=%P",
     "linux.uml --version", true},
    {"runsc-systrap", "runsc --network=none --platform=systrap do %P", "runsc --version", false},
    {"runsc-ptrace", "runsc --network=none --platform=ptrace do %P", "runsc --version", false},
    {"runsc-kvm", "runsc --network=none --platform=kvm do %P", "runsc --version", false},
};
#define NR_PEERS (sizeof(peers) / sizeof(*peers))

static const struct peer *peer_find(const char *name)
{
	for (size_t i = 0; i < NR_PEERS; i++)
		if (strcmp(peers[i].name, name) == 0)
			return &peers[i];
	return NULL;
}

/* --- a command line --- */

static void argv_add(struct bench_argv *a, const char *word)
{
	if (a->n + 1 < ARGV_MAX)
		a->word[a->n++] = word;
	a->word[a->n] = NULL;
}

static void argv_add_text(struct bench_argv *a, const char *text, size_t len)
{
	if (a->used + len + 1 > sizeof(a->text))
		return;
	memcpy(a->text + a->used, text, len);
	a->text[a->used + len] = '\0';
	argv_add(a, a->text + a->used);
	a->used += (unsigned)len + 1;
}

static void argv_add_words(struct bench_argv *a, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (len)
			argv_add_text(a, words, len);
		words += len;
		words += *words == ' ';
	}
}

static void argv_add_program(struct bench_argv *a, const struct bench_config *c,
			     const struct bench_measure *m)
{
	if (m->command) {
		argv_add_words(a, m->command);
		return;
	}
	argv_add(a, c->measure);
	if (c->quick)
		argv_add(a, "--quick");
	argv_add(a, m->name);
}

static void argv_add_peer(struct bench_argv *a, const struct bench_config *c, const struct peer *p,
			  const struct bench_measure *m)
{
	const char *words = p->command;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (p->boots && strncmp(words, "init=%P", len) == 0) {
			char init[512];
			int n = snprintf(init, sizeof(init), "init=%s", c->measure);

			argv_add_text(a, init, (size_t)n);
			argv_add_words(a, c->quick ? "-- --init --quick" : "-- --init");
			argv_add(a, m->name);
		} else if (strncmp(words, "%P", len) == 0) {
			argv_add_program(a, c, m);
		} else {
			argv_add_text(a, words, len);
			if (a->n == 1 && strcmp(a->word[0], "runsc") == 0 && geteuid() != 0)
				argv_add(a, "--rootless");
		}
		words += len;
		words += *words == ' ';
	}
}

static int cpus_usable(void)
{
	cpu_set_t may;

	return sched_getaffinity(0, sizeof(may), &may) == 0 ? CPU_COUNT(&may) : 1;
}

void bench_argv_make(struct bench_argv *a, const struct bench_config *c, const struct bench_way *w,
		     const struct bench_measure *m, enum bench_cores cores)
{
	char cpus[16];

	a->n = a->used = 0;
	switch (w->kind) {
	case WAY_NATIVE:
		break;
	case WAY_BACKEND:
		argv_add(a, c->ukernel);
		argv_add_words(a, "run --backend");
		argv_add(a, w->name);
		snprintf(cpus, sizeof(cpus), "%d", cores == CORES_ONE ? 1 : cpus_usable());
		argv_add(a, "--cpus");
		argv_add_text(a, cpus, strlen(cpus));
		argv_add_words(a, m->options);
		argv_add(a, "--");
		break;
	case WAY_PEER:
		argv_add_peer(a, c, peer_find(w->name), m);
		return;
	}
	argv_add_program(a, c, m);
}

/* --- which there are --- */

static struct bench_way *way_add(struct bench_report *r, enum bench_way_kind kind, const char *name)
{
	r->ways = bench_alloc(r->ways, r->nr_ways + 1, sizeof(*r->ways));
	struct bench_way *w = &r->ways[r->nr_ways++];
	memset(w, 0, sizeof(*w));
	w->kind = kind;
	snprintf(w->name, sizeof(w->name), "%s", name);
	return w;
}

static bool in_path(const char *program)
{
	static const char *const places[] = {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin",
					     "/sbin"};
	char file[256];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(file, sizeof(file), "%s/%s", places[i], program);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* Does it run the simplest measurement?  If not, why? */
static void way_try(struct bench_way *w, const struct bench_config *c)
{
	struct bench_config rough = *c;
	const struct bench_measure simple = {.name = "getpid", .options = ""};
	struct bench_argv argv;
	struct bench_child child;

	rough.quick = true;
	bench_argv_make(&argv, &rough, w, &simple, CORES_ALL);
	bench_child_run(&child, argv.word, CORES_ALL, 60);
	if (strstr(child.out, "figure "))
		return;
	bench_last_line(*child.err ? child.err : child.out, w->skipped, sizeof(w->skipped));
	if (child.status == -1)
		snprintf(w->skipped, sizeof(w->skipped), "%s",
			 bench_interrupted ? "interrupted" : "it does not end here");
	else if (!*w->skipped)
		snprintf(w->skipped, sizeof(w->skipped), "it ends with status %d here",
			 child.status);
}

/* The first word that begins with a digit and has a point. */
static void version_find(const char *text, char *out, size_t len)
{
	while (*text) {
		size_t n = strcspn(text, " \n\t");

		if (*text >= '0' && *text <= '9' && memchr(text, '.', n)) {
			snprintf(out, len, "%.*s", (int)n, text);
			return;
		}
		text += n;
		text += *text != '\0';
	}
}

static void peer_add(struct bench_report *r, const struct bench_config *c, const struct peer *p)
{
	struct bench_way *w = way_add(r, WAY_PEER, p->name);
	char program[64];
	struct bench_argv argv = {.n = 0};
	struct bench_child child;

	snprintf(program, sizeof(program), "%.*s", (int)strcspn(p->command, " "), p->command);
	if (!in_path(program)) {
		snprintf(w->skipped, sizeof(w->skipped), "there is no %s here", program);
		return;
	}
	argv_add_words(&argv, p->version);
	bench_child_run(&child, argv.word, CORES_ALL, 10);
	version_find(*child.out ? child.out : child.err, w->version, sizeof(w->version));
	way_try(w, c);
}

void bench_ways_find(struct bench_report *r, const struct bench_config *c)
{
	way_add(r, WAY_NATIVE, "native");
	for (const char *const *name = c->backends; *name; name++)
		way_try(way_add(r, WAY_BACKEND, *name), c);
	for (size_t i = 0; c->peers && i < NR_PEERS && !bench_interrupted; i++) {
		fprintf(stderr, "looking for %s\n", peers[i].name);
		peer_add(r, c, &peers[i]);
	}
}
