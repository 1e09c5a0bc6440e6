/*
 * mt19937.h - the Mersenne twister, seeded and read as Python's random module does it, so that a
 * lottery drawn here is the one that a textbook's simulator in Python draws.
 */
#ifndef LIB_MT19937_H
#define LIB_MT19937_H

#include <stdint.h>

#define MT_WORDS 624

struct mt19937 {
	uint32_t word[MT_WORDS];
	unsigned at;
};

/* As random.seed(seed) with a non-negative integer. */
void mt_seed(struct mt19937 *mt, uint64_t seed);
uint32_t mt_next(struct mt19937 *mt);
/* As random.random(): 53 random bits, 0 <= x < 1. */
double mt_real(struct mt19937 *mt);
#endif
