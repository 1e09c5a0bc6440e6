/*
 * op.h - what the measuring program's files share: one `struct op` for each row of measures.def.
 */
#ifndef BENCH_PROG_OP_H
#define BENCH_PROG_OP_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE	     4096UL
#define EXIT_SKIPPED 77 /* cannot be measured here */

struct op {
	void (*start)(void); /* not timed; may be NULL */
	/* One of the two: do n operations; or do them and return how many nanoseconds counted. */
	void (*run)(long n);
	double (*timed)(long n);
	void (*stop)(void); /* may be NULL */
	long step;	    /* n is a multiple of this; 0: of 1 */
	bool once;	    /* takes long enough that n is step, and one run is enough */
};

/* Declares op_NAME for each row. */
#define MEASURE(name, ...) extern const struct op op_##name;
#define FLOOR(name, ...)   extern const struct op op_##name;
#define START(name, ...)
#include "../measures.def"
#undef MEASURE
#undef FLOOR
#undef START

extern bool quick;	 /* rough figures in little time */
extern const char *self; /* how to execute this program again; "--nothing" makes it exit */

uint64_t now_ns(void);
/* Ends the program with status 1 and errno's text when not good. */
void must(bool good, const char *what);
_Noreturn void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An empty directory of our own below /tmp, which is made current; removed by scratch_remove. */
void scratch_make(void);
void scratch_remove(void);

/* Start fn(arg) in a process or a thread of its own; partner_stop ends it, wherever it is. */
void partner_process(void (*fn)(void *), void *arg);
void partner_thread(void (*fn)(void *), void *arg);
void partner_stop(void);

/* Bind the caller to the n-th CPU that it may use; returns false when there is none. */
bool pin_to(int n);
#endif
