/*
 * xattr.c - extended attributes of files, directories and links.
 *
 * guest-link: static
 */
#include "show.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *name)
{
	char buf[1000], *names[20];
	ssize_t len = listxattr(name, buf, sizeof(buf));
	int n = 0;

	for (ssize_t i = 0; i < len && n < 20; i += strlen(buf + i) + 1)
		if (strncmp(buf + i, "user.", 5) == 0)
			names[n++] = buf + i;
	qsort(names, n, sizeof(*names), compare);
	printf("%s has %d:", name, n);
	for (int i = 0; i < n; i++)
		printf(" %s", names[i]);
	printf("\n");
}

int main(void)
{
	static char huge[70000];
	char buf[64] = "", big[300];
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	memset(big, 'n', sizeof(big));
	memcpy(big, "user.", 5);
	big[299] = '\0';
	SHOW(mkdir("d", 0700));
	SHOW(symlink("f", "s"));
	SHOW(mkfifo("p", 0600));
	SHOW(getxattr("f", "user.a", buf, 64));
	SHOW(setxattr("f", "user.a", "value", 5, XATTR_REPLACE));
	SHOW(setxattr("f", "user.a", "value", 5, XATTR_CREATE));
	SHOW(setxattr("f", "user.a", "value", 5, XATTR_CREATE));
	SHOW(getxattr("f", "user.a", buf, 64));
	printf("%s\n", buf);
	SHOW(getxattr("f", "user.a", NULL, 0));
	SHOW(getxattr("f", "user.a", buf, 2));
	SHOW(fsetxattr(fd, "user.b", "", 0, 0));
	SHOW(fgetxattr(fd, "user.b", buf, 64));
	SHOW(setxattr("f", "user.a", "longer value", 12, 0));
	SHOW(fgetxattr(fd, "user.a", buf, 64));
	list("f");
	SHOW(removexattr("f", "user.b"));
	SHOW(removexattr("f", "user.b"));
	list("f");
	SHOW(getxattr("s", "user.a", buf, 64));
	SHOW(lgetxattr("s", "user.a", buf, 64));
	SHOW(lsetxattr("s", "user.a", "x", 1, 0));
	SHOW(setxattr("p", "user.a", "x", 1, 0));
	SHOW(setxattr("d", "user.dir", "x", 1, 0));
	list("d");
	SHOW(setxattr("f", "bogus.a", "x", 1, 0));
	SHOW(setxattr("f", "user.", "x", 1, 0));
	SHOW(setxattr("f", "user", "x", 1, 0));
	SHOW(setxattr("f", "", "x", 1, 0));
	SHOW(setxattr("f", big, "x", 1, 0));
	SHOW(setxattr("f", "user.a", "x", 1, 99));
	SHOW(setxattr("f", "user.a", huge, sizeof(huge), 0));
	SHOW(setxattr("none", "user.a", "x", 1, 0));
	SHOW(fsetxattr(99, "user.a", "x", 1, 0));
	SHOW(listxattr("none", buf, 64));
	SHOW(listxattr("f", buf, 3));
	SHOW(rename("f", "g"));
	SHOW(getxattr("g", "user.a", buf, 64));
	SHOW(setxattr("g", "trusted.t", "x", 1, 0));
	SHOW(getxattr("g", "trusted.t", buf, 64));
	SHOW(chmod("g", 0400));
	SHOW(setxattr("g", "user.q", "x", 1, 0));
	return 0;
}
