/*
 * workload_value.c - the values in a workload file, and its random numbers.
 *
 * Random numbers come from splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014), so that a seed means the same on every machine.
 */
#include "lab/workload.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000.0

uint64_t random_next(uint64_t *rng)
{
	uint64_t z = *rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t random_seed(uint64_t a, uint64_t b)
{
	uint64_t rng = a ^ 0x6a09e667f3bcc909ULL;

	rng = random_next(&rng) ^ b;
	return random_next(&rng);
}

/* Natural logarithm of 0 < x <= 1.  Not the C library's: a seed must mean the same with each. */
static double logarithm(double x)
{
	double s, power, sum = 0, halvings = 0;

	for (; x < 0.75; halvings++)
		x *= 2;
	s = (x - 1) / (x + 1); /* ln x = 2 (s + s^3/3 + s^5/5 + ...), |s| <= 1/7 */
	power = s;
	for (int i = 1; i < 24; i += 2, power *= s * s)
		sum += power / i;
	return 2 * sum - halvings * 0.69314718055994530942;
}

static uint64_t draw_exponential(uint64_t mean_ns, uint64_t *rng)
{
	double u = (double)((random_next(rng) >> 11) + 1) / 9007199254740993.0;
	double ns = -logarithm(u) * (double)mean_ns;

	return (uint64_t)(ns + 0.5);
}

uint64_t span_draw(const struct span *s, uint64_t *rng)
{
	uint64_t ns = s->ns;

	if (s->kind == SPAN_UNIFORM)
		ns += random_next(rng) % (s->max_ns - s->ns + 1);
	else if (s->kind == SPAN_EXPONENTIAL)
		ns = draw_exponential(s->ns, rng);
	return s->kind != SPAN_FIXED && ns == 0 ? 1 : ns;
}

bool parse_number(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return *text && !*end && !errno && *out >= min && *out <= max;
}

/* A number with a unit, up to the end or ".."; *end gets what follows. */
static bool scan_time(const char *text, const char **end, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", MS}, {"s", 1e9}, {"m", 60e9}};
	double unit = MS, value = 0, scale = 1;
	bool digits = false;

	/* By hand: strtod would take "1..5" for "1." and ".5", and "inf", and "0x". */
	for (; *text >= '0' && *text <= '9'; text++, digits = true)
		value = value * 10 + (*text - '0');
	if (text[0] == '.' && text[1] != '.')
		for (text++; *text >= '0' && *text <= '9'; text++, digits = true)
			value += (*text - '0') * (scale /= 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		size_t n = strlen(units[i].name);

		if (strncmp(text, units[i].name, n) == 0 && (!text[n] || text[n] == '.')) {
			unit = units[i].ns;
			text += n;
			break;
		}
	}
	*end = text;
	if (!digits || value * unit > 1e18)
		return false;
	*ns = (uint64_t)(value * unit + 0.5);
	return true;
}

bool parse_time(const char *text, uint64_t *ns)
{
	const char *end;

	if (strcmp(text, "forever") == 0) {
		*ns = WORKLOAD_FOREVER;
		return true;
	}
	return scan_time(text, &end, ns) && !*end;
}

bool parse_span(const char *text, struct span *out)
{
	const char *end;

	*out = (struct span){.kind = SPAN_FIXED};
	if (*text == '~') {
		out->kind = SPAN_EXPONENTIAL;
		return scan_time(text + 1, &end, &out->ns) && !*end && out->ns;
	}
	if (parse_time(text, &out->ns))
		return true;
	out->kind = SPAN_UNIFORM;
	return scan_time(text, &end, &out->ns) && strncmp(end, "..", 2) == 0 &&
	       scan_time(end + 2, &end, &out->max_ns) && !*end && out->max_ns >= out->ns;
}

bool parse_cpus(const char *text, uint64_t *mask)
{
	*mask = 0;
	for (;;) {
		char *end;

		if (*text < '0' || *text > '9')
			return false;
		unsigned long lo = strtoul(text, &end, 10), hi = lo;
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return false;
			hi = strtoul(end + 1, &end, 10);
		}
		if (hi > 63 || lo > hi)
			return false;
		for (unsigned long i = lo; i <= hi; i++)
			*mask |= 1ULL << i;
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		text = end + 1;
	}
}

/* The kernel's sched_prio_to_weight: each step of nice is a tenth of the CPU, a factor of 1.25. */
unsigned workload_nice_weight(int nice)
{
	static const unsigned weights[40] = {
	    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	    9548,  7620,  6100,	 4904,	3906,  3121,  2501,  1991,  1586,  1277,
	    1024,  820,	  655,	 526,	423,   335,   272,   215,   172,   137,
	    110,   87,	  70,	 56,	45,    36,    29,    23,    18,	   15,
	};

	return weights[nice < -20 ? 0 : nice > 19 ? 39 : nice + 20];
}

unsigned workload_weight(const struct workload_task *t)
{
	if (t->tickets)
		return t->tickets;
	return t->class == SCHED_IDLE ? 3 : workload_nice_weight(t->nice);
}
