/*
 * walk_test.c - path_resolution(7) on a tmpfs and over the mounts above it.
 */
#include "box_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

BOX_SUITE(walk);

#define AT_DIR AT_FDCWD

static long make_dir(const char *path)
{
	return SYS(mkdir, guest_string(path), 0755);
}

static long make_file(const char *path, const char *text)
{
	long fd = SYS(open, guest_string(path), O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0)
		return fd;
	GUEST_EQ(SYS(write, fd, guest_string(text), strlen(text)), strlen(text));
	return SYS(close, fd);
}

static long link_to(const char *target, const char *path)
{
	return SYS(symlink, guest_string(target), guest_string(path));
}

static long open_at(const char *path, int flags)
{
	long fd = SYS(open, guest_string(path), flags, 0);

	if (fd >= 0)
		SYS(close, fd);
	return fd < 0 ? fd : 0;
}

/* 0 if the file at path begins with text. */
static long holds(const char *path, const char *text)
{
	char got[64] = "";
	uaddr_t buf = guest_alloc(64);
	long fd = SYS(open, guest_string(path), O_RDONLY, 0), n;

	if (fd < 0)
		return fd;
	n = SYS(read, fd, buf, 63);
	if (n > 0)
		guest_get(got, buf, n);
	SYS(close, fd);
	return strcmp(got, text);
}

#define D "/dev/shm"

static void plant(void)
{
	GUEST_EQ(make_dir(D "/a"), 0);
	GUEST_EQ(make_dir(D "/a/b"), 0);
	GUEST_EQ(make_file(D "/a/f", "in a"), 0);
	GUEST_EQ(make_file(D "/a/b/f", "in b"), 0);
	GUEST_EQ(link_to("a/b", D "/to_b"), 0);
	GUEST_EQ(link_to("../f", D "/a/b/up"), 0);
	GUEST_EQ(link_to(D "/a", D "/abs"), 0);
	GUEST_EQ(link_to("loop", D "/loop"), 0);
	GUEST_EQ(link_to("nowhere", D "/dangling"), 0);
}

BOX_TEST(walk, dots_and_slashes)
{
	plant();
	GUEST_EQ(holds(D "/a/b/../f", "in a"), 0);
	GUEST_EQ(holds(D "//a/./b/.//f", "in b"), 0);
	GUEST_EQ(holds(D "/a/b/../../a/b/f", "in b"), 0);
	GUEST_EQ(holds("/../../.." D "/a/f", "in a"), 0);
	GUEST_EQ(open_at(D "/a/f/", O_RDONLY), -ENOTDIR);
	GUEST_EQ(open_at(D "/a/f/.", O_RDONLY), -ENOTDIR);
	GUEST_EQ(open_at(D "/a/f/x", O_RDONLY), -ENOTDIR);
	GUEST_EQ(open_at(D "/a/b/", O_RDONLY), 0);
	GUEST_EQ(open_at(D "/a/none/../f", O_RDONLY), -ENOENT);
	GUEST_EQ(open_at("", O_RDONLY), -ENOENT);
}

BOX_TEST(walk, symbolic_links)
{
	plant();
	GUEST_EQ(holds(D "/to_b/f", "in b"), 0);
	GUEST_EQ(holds(D "/to_b/../f", "in a"), 0); /* .. of where the link leads */
	GUEST_EQ(holds(D "/to_b/up", "in a"), 0);
	GUEST_EQ(holds(D "/abs/b/up", "in a"), 0);
	GUEST_EQ(open_at(D "/loop", O_RDONLY), -ELOOP);
	GUEST_EQ(open_at(D "/loop/x", O_RDONLY), -ELOOP);
	GUEST_EQ(open_at(D "/dangling", O_RDONLY), -ENOENT);
	GUEST_EQ(open_at(D "/to_b", O_RDONLY | O_NOFOLLOW), -ELOOP);
	GUEST_EQ(open_at(D "/to_b/f", O_RDONLY | O_NOFOLLOW), 0);
	GUEST_EQ(open_at(D "/dangling", O_RDONLY | O_CREAT | O_EXCL), -EEXIST);
	GUEST_EQ(make_file(D "/dangling", "made"), 0); /* O_CREAT follows it */
	GUEST_EQ(holds(D "/nowhere", "made"), 0);
	GUEST_EQ(make_dir(D "/to_b"), -EEXIST);
}

/* 40 links are followed, one more is too many (path_resolution(7)). */
BOX_TEST(walk, forty_links)
{
	char from[32], to[32];

	make_file(D "/l0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "l%d", i - 1);
		snprintf(to, sizeof(to), D "/l%d", i);
		GUEST_EQ(link_to(from, to), 0);
	}
	GUEST_EQ(holds(D "/l40", "end"), 0);
	GUEST_EQ(open_at(D "/l41", O_RDONLY), -ELOOP);
}

BOX_TEST(walk, lengths)
{
	static char name[300], path[5000];

	memset(name, 'n', 255);
	GUEST_EQ(SYS(chdir, guest_string(D)), 0);
	GUEST_EQ(make_file(name, "long"), 0);
	GUEST_EQ(holds(name, "long"), 0);
	name[255] = 'n';
	GUEST_EQ(make_file(name, "x"), -ENAMETOOLONG);
	GUEST_EQ(open_at(name, O_RDONLY), -ENAMETOOLONG);
	memset(path, '/', 4095);
	memcpy(path, D, strlen(D));
	GUEST_EQ(open_at(path, O_RDONLY), 0);
	path[4095] = '/';
	GUEST_EQ(open_at(path, O_RDONLY), -ENAMETOOLONG);
	GUEST_EQ(SYS(open, 8, O_RDONLY, 0), -EFAULT);
}

/* .. at the root of a mount leads to the directory that it hides. */
BOX_TEST(walk, across_mounts)
{
	uaddr_t buf = guest_alloc(100);
	char got[100] = "";

	plant();
	GUEST_EQ(SYS(chdir, guest_string(D "/a/b")), 0);
	GUEST_EQ(holds("../../../shm/a/f", "in a"), 0);
	GUEST_EQ(holds("../../../../etc/motd", "welcome\n"), 0);
	GUEST_EQ(SYS(getcwd, buf, 100), strlen(D "/a/b") + 1);
	guest_get(got, buf, strlen(D "/a/b") + 1);
	GUEST_CHECK(strcmp(got, D "/a/b") == 0);
	GUEST_EQ(SYS(getcwd, buf, 3), -ERANGE);
	GUEST_EQ(SYS(rename, guest_string(D "/a/f"), guest_string("/tmp/f")), -EXDEV);
	GUEST_EQ(SYS(link, guest_string(D "/a/f"), guest_string("/tmp/f")), -EXDEV);
	GUEST_EQ(SYS(rmdir, guest_string(D)), -EBUSY);
}

BOX_TEST(walk, relative_to_a_descriptor)
{
	long dir, fd;

	plant();
	dir = SYS(open, guest_string(D "/a"), O_RDONLY | O_DIRECTORY, 0);
	GUEST_CHECK(dir >= 0);
	fd = SYS(openat, dir, guest_string("b/f"), O_RDONLY, 0);
	GUEST_CHECK(fd >= 0);
	GUEST_EQ(SYS(openat, fd, guest_string("x"), O_RDONLY, 0), -ENOTDIR);
	GUEST_EQ(SYS(openat, 99, guest_string("x"), O_RDONLY, 0), -EBADF);
	GUEST_CHECK(SYS(openat, 99, guest_string(D), O_RDONLY, 0) >= 0);
	/* The directory is the same one after it was renamed. */
	GUEST_EQ(SYS(rename, guest_string(D "/a"), guest_string(D "/z")), 0);
	GUEST_CHECK(SYS(openat, dir, guest_string("b/f"), O_RDONLY, 0) >= 0);
	GUEST_CHECK(SYS(openat, dir, guest_string("../z/b/f"), O_RDONLY, 0) >= 0);
	GUEST_EQ(open_at(D "/a/b/f", O_RDONLY), -ENOENT);
}

BOX_TEST(walk, last_components)
{
	plant();
	GUEST_EQ(make_dir(D "/a"), -EEXIST);
	GUEST_EQ(make_dir("/"), -EEXIST);
	GUEST_EQ(make_dir(D "/new/"), 0);
	GUEST_EQ(SYS(rmdir, guest_string(D "/new/.")), -EINVAL);
	GUEST_EQ(SYS(rmdir, guest_string(D "/new/..")), -ENOTEMPTY);
	GUEST_EQ(SYS(rmdir, guest_string(D "/a")), -ENOTEMPTY);
	GUEST_EQ(SYS(rmdir, guest_string(D "/a/f")), -ENOTDIR);
	GUEST_EQ(SYS(unlink, guest_string(D "/a/b")), -EISDIR);
	GUEST_EQ(SYS(unlink, guest_string(D "/a/none")), -ENOENT);
	GUEST_EQ(SYS(unlink, guest_string(D "/to_b")), 0); /* the link, not b */
	GUEST_EQ(holds(D "/a/b/f", "in b"), 0);
	GUEST_EQ(make_file(D "/file/", "x"), -EISDIR);
	GUEST_EQ(SYS(rename, guest_string(D "/a"), guest_string(D "/a/b/c")), -EINVAL);
	GUEST_EQ(SYS(rename, guest_string(D "/a/b"), guest_string(D "/a")), -ENOTEMPTY);
	GUEST_EQ(SYS(rename, guest_string(D "/a/f"), guest_string(D "/a/b")), -EISDIR);
	GUEST_EQ(SYS(rename, guest_string(D "/a/b"), guest_string(D "/a/f")), -ENOTDIR);
}

/* A file lives as long as it is open, whatever its name does. */
BOX_TEST(walk, unlinked_but_open)
{
	uaddr_t buf = guest_alloc(16);
	long fd;

	plant();
	fd = SYS(open, guest_string(D "/a/f"), O_RDONLY, 0);
	GUEST_EQ(SYS(unlink, guest_string(D "/a/f")), 0);
	GUEST_EQ(open_at(D "/a/f", O_RDONLY), -ENOENT);
	GUEST_EQ(SYS(read, fd, buf, 16), 4);
	GUEST_EQ(make_file(D "/a/f", "again"), 0);
	GUEST_EQ(holds(D "/a/f", "again"), 0);
	GUEST_EQ(SYS(lseek, fd, 0, SEEK_SET), 0);
	GUEST_EQ(SYS(read, fd, buf, 16), 4);
	/* A directory that is gone has no entries and takes none. */
	GUEST_EQ(make_dir(D "/gone"), 0);
	GUEST_EQ(SYS(chdir, guest_string(D "/gone")), 0);
	GUEST_EQ(SYS(rmdir, guest_string(D "/gone")), 0);
	GUEST_EQ(make_file("f", "x"), -ENOENT);
	GUEST_EQ(SYS(getcwd, buf, 16), -ENOENT);
}

static void as_nobody(uint64_t arg)
{
	GUEST_EQ(SYS(setresuid, 1000, 1000, 1000), 0);
	GUEST_EQ(open_at(D "/secret/f", O_RDONLY), -EACCES);
	GUEST_EQ(open_at(D "/a/f", O_RDONLY), 0);
	GUEST_EQ(open_at(D "/a/f", O_WRONLY), -EACCES);
	GUEST_EQ(make_file(D "/a/mine", "x"), -EACCES);
	GUEST_EQ(SYS(unlink, guest_string(D "/a/f")), -EACCES);
	GUEST_EQ(SYS(chmod, guest_string(D "/a/f"), 0777), -EPERM);
	/* /dev/shm is sticky: one's own files may be made there, others' not removed. */
	GUEST_EQ(make_file(D "/mine", "x"), 0);
	GUEST_EQ(SYS(unlink, guest_string(D "/to_b")), -EPERM);
	GUEST_EQ(SYS(unlink, guest_string(D "/mine")), 0);
}

BOX_TEST(walk, permissions)
{
	int status = -1;

	plant();
	GUEST_EQ(make_dir(D "/secret"), 0);
	GUEST_EQ(make_file(D "/secret/f", "x"), 0);
	GUEST_EQ(SYS(chmod, guest_string(D "/secret"), 0700), 0);
	GUEST_EQ(SYS(chmod, guest_string(D), 01777), 0);
	guest_fork(as_nobody, 0);
	guest_wait(-1, &status, 0);
	GUEST_EQ(status, 0);
	GUEST_EQ(open_at(D "/secret/f", O_RDONLY), 0);
}

/* What is written over the host's root is seen in the box and nowhere else. */
BOX_TEST(walk, the_overlay)
{
	GUEST_EQ(holds("/etc/motd", "welcome\n"), 0);
	GUEST_EQ(make_file("/etc/motd", "changed"), 0);
	GUEST_EQ(holds("/etc/motd", "changed"), 0);
	GUEST_EQ(make_file("/etc/new", "new"), 0);
	GUEST_EQ(SYS(rename, guest_string("/etc/new"), guest_string("/usr/share/new")), 0);
	GUEST_EQ(holds("/usr/share/new", "new"), 0);
	GUEST_EQ(SYS(unlink, guest_string("/etc/motd")), 0);
	GUEST_EQ(open_at("/etc/motd", O_RDONLY), -ENOENT);
	GUEST_EQ(make_file("/etc/motd", "third"), 0);
	GUEST_EQ(holds("/etc/motd", "third"), 0);
}
