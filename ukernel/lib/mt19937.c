/*
 * mt19937.c - Matsumoto and Nishimura, Mersenne Twister: a 623-dimensionally equidistributed
 * uniform pseudorandom number generator, ACM TOMACS 8 (1998); seeding by array as in their
 * revision of 2002.
 */
#include "lib/mt19937.h"

#define MIDDLE 397

static void seed_word(struct mt19937 *mt, uint32_t seed)
{
	mt->word[0] = seed;
	for (uint32_t i = 1; i < MT_WORDS; i++)
		mt->word[i] = 1812433253U * (mt->word[i - 1] ^ (mt->word[i - 1] >> 30)) + i;
}

void mt_seed(struct mt19937 *mt, uint64_t seed)
{
	const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
	const unsigned len = key[1] ? 2 : 1;
	uint32_t *w = mt->word;
	unsigned i = 1, j = 0;

	seed_word(mt, 19650218U);
	for (unsigned k = 0; k < MT_WORDS; k++) {
		w[i] = (w[i] ^ ((w[i - 1] ^ (w[i - 1] >> 30)) * 1664525U)) + key[j] + j;
		j = (j + 1) % len;
		if (++i == MT_WORDS) {
			w[0] = w[MT_WORDS - 1];
			i = 1;
		}
	}
	for (unsigned k = 0; k < MT_WORDS - 1; k++) {
		w[i] = (w[i] ^ ((w[i - 1] ^ (w[i - 1] >> 30)) * 1566083941U)) - i;
		if (++i == MT_WORDS) {
			w[0] = w[MT_WORDS - 1];
			i = 1;
		}
	}
	w[0] = 0x80000000U;
	mt->at = MT_WORDS;
}

static void twist(struct mt19937 *mt)
{
	uint32_t *w = mt->word;

	for (unsigned i = 0; i < MT_WORDS; i++) {
		uint32_t y = (w[i] & 0x80000000U) | (w[(i + 1) % MT_WORDS] & 0x7fffffffU);

		w[i] = w[(i + MIDDLE) % MT_WORDS] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfU : 0);
	}
	mt->at = 0;
}

uint32_t mt_next(struct mt19937 *mt)
{
	if (mt->at >= MT_WORDS)
		twist(mt);
	uint32_t y = mt->word[mt->at++];

	y ^= y >> 11;
	y ^= (y << 7) & 0x9d2c5680U;
	y ^= (y << 15) & 0xefc60000U;
	return y ^ (y >> 18);
}

double mt_real(struct mt19937 *mt)
{
	uint32_t a = mt_next(mt) >> 5, b = mt_next(mt) >> 6;

	return (a * 67108864.0 + b) / 9007199254740992.0;
}
