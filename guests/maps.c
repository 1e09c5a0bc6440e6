/*
 * maps.c - /proc/self/maps after a series of changes: regions split and merge as Linux has them.
 * The pages are never touched, because what has been touched merges differently.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE  4096UL
#define PAGES 64
#define RW    (PROT_READ | PROT_WRITE)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)

static char *area;
static unsigned long seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

/* The regions of the area, relative to it; returns a sum over them. */
static unsigned long list(const char *what)
{
	unsigned long lo, hi, off, base = (unsigned long)area, sum = 0;
	char line[4500], perms[8], dev[16], name[4200];
	FILE *f = fopen("/proc/self/maps", "r");

	if (!f)
		exit(1);
	if (what)
		printf("%s:\n", what);
	while (fgets(line, sizeof(line), f)) {
		unsigned long ino;
		const char *slash;

		name[0] = 0;
		if (sscanf(line, "%lx-%lx %7s %lx %15s %lu %4199[^\n]", &lo, &hi, perms, &off, dev,
			   &ino, name) < 6)
			exit(1);
		if (hi <= base || lo >= base + PAGES * PAGE)
			continue;
		slash = strrchr(name, '/');
		if (what)
			printf("  %2lu-%2lu %s %lx %s %s\n", (lo - base) / PAGE, (hi - base) / PAGE,
			       perms, off, ino ? "inode" : "0", slash ? slash + 1 : name);
		sum = (sum ^ lo ^ hi << 8 ^ perms[0] << 1 ^ perms[1] ^ perms[2] ^ perms[3] ^ off) *
		      1099511628211UL;
	}
	fclose(f);
	return sum;
}

static char *at(unsigned page)
{
	return area + page * PAGE;
}

static void map(unsigned first, unsigned n, int prot, int flags, int fd, unsigned page)
{
	if (mmap(at(first), n * PAGE, prot, flags | MAP_FIXED, fd, page * PAGE) == MAP_FAILED)
		exit(2);
}

static void anonymous(void)
{
	map(4, 2, RW, ANON, -1, 0);
	map(6, 2, RW, ANON, -1, 0);
	map(8, 2, PROT_READ, ANON, -1, 0);
	map(12, 2, RW, ANON, -1, 0);
	list("two equal neighbours, one other, one apart");
	map(10, 2, RW, ANON, -1, 0);
	list("joined with the next");
	mprotect(at(8), 2 * PAGE, RW);
	list("all one");
	mprotect(at(6), PAGE, PROT_NONE);
	list("split in three");
	munmap(at(9), 2 * PAGE);
	list("a hole");
	mprotect(at(6), PAGE, RW);
	list("joined again");
	madvise(at(4), PAGE, MADV_DONTFORK);
	madvise(at(12), PAGE, MADV_DONTDUMP);
	list("with flags");
	madvise(at(4), PAGE, MADV_DOFORK);
	madvise(at(12), PAGE, MADV_DODUMP);
	list("without flags");
	map(20, 2, RW, ANON | MAP_NORESERVE, -1, 0);
	map(22, 2, RW, ANON, -1, 0);
	map(24, 1, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	map(25, 1, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	list("kinds that stay apart");
	munmap(area, PAGES * PAGE);
	list("nothing");
}

static void files(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);

	if (ftruncate(fd, 16 * PAGE))
		exit(3);
	map(0, 2, PROT_READ, MAP_PRIVATE, fd, 0);
	map(2, 2, PROT_READ, MAP_PRIVATE, fd, 2);
	map(4, 2, PROT_READ, MAP_PRIVATE, fd, 5);
	map(6, 2, PROT_READ, MAP_SHARED, fd, 7);
	map(8, 1, RW, MAP_SHARED, fd, 9);
	list("of a file");
	munmap(at(1), PAGE);
	mprotect(at(4), PAGE, PROT_READ | PROT_EXEC);
	list("cut and changed");
	unlink("file");
	list("deleted");
	close(fd);
	munmap(area, PAGES * PAGE);
}

static void random_changes(void)
{
	/* Memory that was ever writable stays apart for longer here than on Linux. */
	static const int prots[] = {PROT_NONE, PROT_READ, PROT_EXEC, PROT_READ | PROT_EXEC};

	for (int step = 1; step <= 2000; step++) {
		unsigned first = pick(PAGES), n = 1 + pick(PAGES - first < 16 ? PAGES - first : 16);
		int prot = prots[pick(4)];

		switch (pick(5)) {
		case 0:
		case 1:
			map(first, n, prot, ANON, -1, 0);
			break;
		case 2:
			munmap(at(first), n * PAGE);
			break;
		case 3:
			mprotect(at(first), n * PAGE, prot);
			break;
		case 4:
			madvise(at(first), n * PAGE, pick(2) ? MADV_DONTFORK : MADV_DOFORK);
			break;
		}
		if (step % 100 == 0)
			printf("random %d: %d\n", step, list(NULL) != 0);
		if (step == 500 || step == 2000)
			list("in full");
	}
}

int main(void)
{
	char *whole = mmap(NULL, (PAGES + 2) * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	/* Guard pages of another kind keep neighbours out. */
	area = whole + PAGE;
	mprotect(whole, PAGE, PROT_EXEC);
	mprotect(area + PAGES * PAGE, PAGE, PROT_EXEC);
	munmap(area, PAGES * PAGE);
	anonymous();
	files();
	random_changes();
	list("the end");
	return 0;
}
