/*
 * rename.c - rename(2), renameat2(2): files, directories, what they may replace, exchange,
 * no-replace, and the errors.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void tree(const char *dir)
{
	struct dirent **list;
	struct stat st;
	int n = scandir(dir, &list, NULL, by_name);

	for (int i = 0; i < n; i++) {
		char path[512];

		if (list[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (lstat(path, &st) < 0) {
			printf("%s: %s\n", path, strerrorname_np(errno));
			continue;
		}
		printf("  %s %o %ld\n", path, st.st_mode,
		       S_ISDIR(st.st_mode) ? (long)st.st_nlink : (long)st.st_size);
		if (S_ISDIR(st.st_mode))
			tree(path);
	}
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(name);
	close(fd);
}

static void setup(void)
{
	umask(022);
	mkdir("d1", 0755);
	mkdir("d1/in", 0755);
	mkdir("d2", 0755);
	mkdir("empty", 0755);
	put("f1", "one");
	put("f2", "two two");
	put("d1/file", "inside");
	if (symlink("f1", "s1") < 0)
		perror("s1");
}

static void plain(void)
{
	SHOW(rename("f1", "f3"));
	SHOW(rename("f3", "f2"));
	SHOW(rename("f2", "f2"));
	SHOW(rename("none", "f2"));
	SHOW(rename("f2", "none/x"));
	SHOW(rename("f2", "d1"));
	SHOW(rename("d1", "f2"));
	SHOW(rename("d1", "d2"));
	SHOW(rename("d2", "d1"));
	SHOW(rename("d2", "empty"));
	SHOW(rename("empty", "empty/sub"));
	SHOW(rename("empty/in", "empty"));
	SHOW(rename("f2", "f4/"));
	SHOW(rename("f2/", "f4"));
	SHOW(rename("empty/", "d5/"));
	SHOW(rename(".", "q"));
	SHOW(rename("d5", "."));
	SHOW(rename("..", "q"));
	SHOW(rename("/", "q"));
	SHOW(rename("", "q"));
	SHOW(rename("f2", ""));
	SHOW(rename("s1", "s2"));
	SHOW(rename("f2", "s2"));
	tree(".");
}

static void same_file(void)
{
	put("h1", "hard");
	SHOW(link("h1", "h2"));
	SHOW(rename("h1", "h2"));
	SHOW(access("h1", F_OK));
	SHOW(access("h2", F_OK));
	SHOW(unlink("h2"));
}

static void flags(void)
{
	put("e1", "first");
	put("e2", "the second");
	SHOW(renameat2(AT_FDCWD, "e1", AT_FDCWD, "e2", RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "e1", AT_FDCWD, "e3", RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "e3", AT_FDCWD, "e2", RENAME_EXCHANGE));
	SHOW(renameat2(AT_FDCWD, "e3", AT_FDCWD, "none", RENAME_EXCHANGE));
	SHOW(renameat2(AT_FDCWD, "d5", AT_FDCWD, "e2", RENAME_EXCHANGE));
	SHOW(renameat2(AT_FDCWD, "e3", AT_FDCWD, "e2", RENAME_EXCHANGE | RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "e3", AT_FDCWD, "e2", 8));
	SHOW(renameat(99, "e3", AT_FDCWD, "e2"));
	tree(".");
	SHOW(access("e2/in", F_OK));
	SHOW(access("d5", X_OK));
}

static void moving(void)
{
	int fd;
	char buf[600];

	SHOW(mkdir("m", 0755));
	SHOW(mkdir("m/a", 0755));
	SHOW(mkdir("m/a/b", 0755));
	put("m/a/b/f", "deep");
	SHOW(chdir("m/a/b"));
	fd = open("f", O_RDWR);
	SHOW(rename("../../a", "../../z"));
	SHOW(access("f", F_OK));
	SHOW(access("../../z/b/f", F_OK));
	if (getcwd(buf, sizeof(buf)))
		printf("cwd ends %s\n", strrchr(buf, 'm'));
	SHOW(rename("f", "../../up"));
	SHOW(write(fd, "DE", 2));
	SHOW(lseek(fd, 0, SEEK_END));
	close(fd);
	SHOW(rename("../../z", "../../z/b/c"));
	SHOW(chdir("../../.."));
	tree("m");
	for (int i = 0; i < 300; i++) {
		char a[16], b[16];

		snprintf(a, sizeof(a), "m/n%d", i);
		snprintf(b, sizeof(b), "m/n%d", i + 1);
		if (i == 0)
			put(a, "wander");
		if (rename(a, b) < 0)
			perror(b);
	}
	tree("m");
}

int main(void)
{
	setup();
	plain();
	same_file();
	flags();
	moving();
	return 0;
}
