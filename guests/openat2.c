/*
 * openat2.c - openat2(2): the RESOLVE_* flags, the structure's size, strict flag checking.
 *
 * guest-link: static
 */
#include "show.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static long try(int dir, const char *name, unsigned long flags, unsigned long resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};
	long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void sizes(void)
{
	struct {
		struct open_how how;
		char more[64];
	} big = {.how.flags = O_RDONLY};

	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, 8));
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, 5000));
	SHOW_OK(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big)));
	big.more[60] = 1;
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big)));
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", 1, sizeof(struct open_how)));
	big.how.mode = 0600;
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big.how)));
	big.how = (struct open_how){.flags = O_CREAT, .mode = 010000};
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big.how)));
	big.how = (struct open_how){.flags = 1UL << 40};
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big.how)));
	big.how = (struct open_how){.flags = 1UL << 28};
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big.how)));
	big.how = (struct open_how){.flags = O_PATH | O_RDWR};
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big.how)));
	big.how = (struct open_how){.resolve = 0x40};
	SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &big, sizeof(big.how)));
}

int main(void)
{
	int top;

	for (int fd = 3; fd < 20; fd++)
		close(fd);
	SHOW(mkdir("t", 0755));
	SHOW(mkdir("t/d", 0755));
	SHOW(close(open("f", O_CREAT | O_RDWR, 0600)));
	SHOW(close(open("t/g", O_CREAT | O_RDWR, 0600)));
	SHOW(symlink("../f", "t/up"));
	SHOW(symlink("/etc/passwd", "t/abs"));
	SHOW(symlink("/g", "t/rooted"));
	SHOW(symlink("d/../g", "t/inside"));
	SHOW(symlink("d", "t/dl"));
	top = open("t", O_PATH);
	sizes();
	SHOW(try(top, "g", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "d/../g", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "../f", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "..", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "/etc/passwd", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "up", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "abs", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "inside", O_RDONLY, RESOLVE_BENEATH));
	SHOW(try(top, "../f", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(try(top, "../g", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(try(top, "/g", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(try(top, "rooted", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(try(top, "abs", O_RDONLY, RESOLVE_IN_ROOT));
	SHOW(try(top, "inside", O_RDONLY, RESOLVE_NO_SYMLINKS));
	SHOW(try(top, "dl/", O_RDONLY, RESOLVE_NO_SYMLINKS));
	SHOW(try(top, "dl", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
	SHOW(try(top, "g", O_RDONLY, RESOLVE_NO_SYMLINKS));
	SHOW(try(top, "inside", O_RDONLY, RESOLVE_NO_MAGICLINKS));
	SHOW(try(AT_FDCWD, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS));
	SHOW(try(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0));
	SHOW(try(AT_FDCWD, "/proc/version", O_RDONLY, RESOLVE_NO_XDEV));
	SHOW(try(top, "g", O_RDONLY, RESOLVE_NO_XDEV));
	SHOW(try(top, "g", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
	SHOW(try(99, "g", O_RDONLY, 0));
	return 0;
}
