/*
 * random_names.c - random calls on a few names, each with its result, then the tree that is left.
 *
 * Without arguments: some rounds in directories of their own.  With SEED PHASE COUNT: one round
 * here; phase 1 only makes things, so that it can prepare a directory that another run, in which
 * it is the host's, then changes (tests/overlay.py).
 *
 * guest-link: static
 * guest-seconds: 60
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NR_HELD 8

static unsigned long state;
static int held[NR_HELD];
static char bytes[9000];

static unsigned any(unsigned n)
{
	state = state * 6364136223846793005UL + 1442695040888963407UL;
	return (state >> 33) % n;
}

static const char *any_name(char buf[16])
{
	unsigned depth = 1 + any(3);

	buf[0] = '\0';
	for (unsigned i = 0; i < depth; i++) {
		if (i)
			strcat(buf, "/");
		strncat(buf, &"abcde"[any(5)], 1);
	}
	return buf;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static unsigned checksum(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned h = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		h = h * 31 + c;
	if (f)
		fclose(f);
	return h;
}

static void show_tree(const char *dir)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, by_name);

	for (int i = 0; i < n; i++) {
		char path[300], text[64] = "";
		struct stat st;

		if (list[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%.20s", dir, list[i]->d_name);
		if (lstat(path, &st) < 0) {
			printf("%s: errno %d\n", path, errno);
			continue;
		}
		printf("%s %o %ld", path, st.st_mode, (long)st.st_nlink);
		if (!S_ISDIR(st.st_mode))
			printf(" %ld", (long)st.st_size);
		if (st.st_ino != list[i]->d_ino)
			printf(" but d_ino differs");
		if (S_ISREG(st.st_mode))
			printf(" %x", checksum(path));
		if (S_ISLNK(st.st_mode) && readlink(path, text, sizeof(text) - 1) > 0)
			printf(" -> %s", text);
		printf("\n");
		if (S_ISDIR(st.st_mode))
			show_tree(path);
	}
}

static int make_file(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0644);
	int left = any(4) ? any(9000) : any(200000), off = any(5) ? 0 : any(5000);

	if (fd < 0)
		return -1;
	memset(bytes, 'A' + any(26), sizeof(bytes));
	while (left > 0) {
		int n = left < (int)sizeof(bytes) ? left : (int)sizeof(bytes);

		if (pwrite(fd, bytes, n, off) < 0)
			break;
		off += n;
		left -= n;
	}
	close(fd);
	return 0;
}

static int append(const char *name)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_NONBLOCK);
	int r = fd < 0 ? -1 : (int)write(fd, "appended", 8), err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return r;
}

static int hold(const char *name)
{
	int *fd = &held[any(NR_HELD)];

	if (*fd >= 0)
		close(*fd);
	*fd = open(name, O_RDWR | O_NONBLOCK);
	return *fd < 0 ? -1 : 0;
}

static int write_held(void)
{
	int fd = held[any(NR_HELD)];
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	r = pwrite(fd, "held!", 5, any(20000));
	fstat(fd, &st);
	printf(" size %ld links %ld", (long)st.st_size, (long)st.st_nlink);
	return r;
}

static int map(const char *name)
{
	int fd = open(name, O_RDWR | O_NONBLOCK), r = 0;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 10) {
		char *m = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		m[3] = 'M';
		r = m[5];
		munmap(m, st.st_size);
	}
	close(fd);
	return r;
}

static int show_stat(const char *name)
{
	struct stat st;

	if (lstat(name, &st) < 0)
		return -1;
	printf(" %o %ld", st.st_mode, (long)st.st_nlink);
	return S_ISDIR(st.st_mode) ? 0 : (int)st.st_size;
}

static int count_entries(const char *name)
{
	DIR *d = opendir(name);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static const char *const op_names[] = {
    "mkdir",  "mkdir",	"create", "create",	"symlink", "link",     "link",	 "mkfifo",
    "unlink", "unlink", "rmdir",  "rename",	"rename",  "rename",   "swap",	 "stat",
    "chmod",  "append", "hold",	  "write held", "map",	   "truncate", "access", "list",
};

static int run_op(unsigned op, const char *a, const char *b)
{
	switch (op) {
	case 0 ... 1:
		return mkdir(a, 0755);
	case 2 ... 3:
		return make_file(a);
	case 4:
		return symlink(a, b);
	case 5 ... 6:
		return link(a, b);
	case 7:
		return mkfifo(a, 0600);
	case 8 ... 9:
		return unlink(a);
	case 10:
		return rmdir(a);
	case 11 ... 13:
		return rename(a, b);
	case 14:
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	case 15:
		return show_stat(a);
	case 16:
		return chmod(a, any(2) ? 0755 : 0700);
	case 17:
		return append(a);
	case 18:
		return hold(a);
	case 19:
		return write_held();
	case 20:
		return map(a);
	case 21:
		return truncate(a, any(100000));
	case 22:
		return access(a, F_OK);
	default:
		return count_entries(a);
	}
}

static void run_round(unsigned long seed, int phase, int count)
{
	char a[16], b[16];

	state = seed * 77 + phase * 1000003 + 1;
	for (int i = 0; i < NR_HELD; i++)
		held[i] = -1;
	for (int i = 0; i < count; i++) {
		unsigned op = any(phase == 1 ? 8 : 24);
		int r;

		any_name(a);
		any_name(b);
		printf("%s %s %s", op_names[op], a, b);
		errno = 0;
		r = run_op(op, a, b);
		printf(" = %d %d\n", r, r < 0 ? errno : 0);
	}
	for (int i = 0; i < NR_HELD; i++)
		if (held[i] >= 0)
			close(held[i]);
	show_tree(".");
}

int main(int argc, char **argv)
{
	umask(022);
	if (argc == 4) {
		run_round(atol(argv[1]), atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	for (int seed = 1; seed <= 10; seed++) {
		char dir[16];

		snprintf(dir, sizeof(dir), "round%d", seed);
		if (mkdir(dir, 0755) < 0 || chdir(dir) < 0) {
			perror(dir);
			return 1;
		}
		printf("round %d\n", seed);
		run_round(seed, 2, 300);
		if (chdir("..") < 0)
			return 1;
	}
	return 0;
}
