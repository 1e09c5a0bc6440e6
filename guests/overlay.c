/*
 * overlay.c - the host's files under the overlay: they can be changed, moved and removed as if they
 * were one's own, keep their inode numbers, and can be read by who opened them before.
 *
 * guest-link: static
 * guest-user: root
 * guest-native: no
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static ino_t ino_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0 ? st.st_ino : 0;
}

static int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void files(void)
{
	const char *f = "/etc/passwd";
	struct stat before, now;
	char a[64] = "", b[64] = "";
	int ro, rw, ro2;
	char *m;

	CHECK_OK(stat(f, &before));
	ro = open(f, O_RDONLY);
	m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(pread(ro, a, 63, 0) == 63);
	CHECK_OK(chmod(f, 0600));
	CHECK_OK(stat(f, &now));
	CHECK(now.st_ino == before.st_ino && now.st_dev == before.st_dev);
	CHECK(now.st_size == before.st_size && (now.st_mode & 07777) == 0600);
	CHECK(now.st_mtime == before.st_mtime && now.st_uid == before.st_uid);
	rw = open(f, O_RDWR);
	CHECK(pwrite(rw, "CHANGED", 7, 0) == 7);
	CHECK_OK(fstat(rw, &now));
	CHECK(now.st_ino == before.st_ino && now.st_size == before.st_size);
	/* who had it open sees what it was, who opens it now what it is */
	CHECK(pread(ro, b, 63, 0) == 63 && memcmp(a, b, 63) == 0);
	CHECK(memcmp(m, a, 63) == 0);
	ro2 = open(f, O_RDONLY);
	CHECK(pread(ro2, b, 63, 0) == 63 && memcmp(b, "CHANGED", 7) == 0);
	CHECK(memcmp(b + 7, a + 7, 50) == 0);
	CHECK_OK(truncate(f, 7));
	CHECK_OK(stat(f, &now));
	CHECK(now.st_size == 7);
	CHECK_OK(unlink(f));
	CHECK_ERR(stat(f, &now), ENOENT);
	CHECK_ERR(unlink(f), ENOENT);
	CHECK_OK(fstat(rw, &now));
	CHECK(now.st_nlink == 0);
	close(open(f, O_CREAT | O_EXCL | O_RDWR, 0600));
	CHECK_OK(stat(f, &now));
	CHECK(now.st_ino != before.st_ino && now.st_size == 0);
	printf("files done\n");
}

static void directories(void)
{
	const char *d = "/usr/share/doc";
	int n = entries(d), count;
	ino_t ino = ino_of(d), below;
	char cwd[200];
	int held;

	CHECK(n > 5);
	CHECK_ERR(rmdir(d), ENOTEMPTY);
	CHECK_OK(access("/usr/share/doc/bash/copyright", R_OK));
	below = ino_of("/usr/share/doc/bash/copyright");
	held = open("/usr/share/doc/bash", O_RDONLY);
	CHECK_OK(chdir("/usr/share/doc/bash"));
	CHECK_OK(rename(d, "/usr/share/moved"));
	CHECK(ino_of("/usr/share/moved") == ino);
	CHECK(entries("/usr/share/moved") == n);
	CHECK(ino_of("/usr/share/moved/bash/copyright") == below);
	CHECK(getcwd(cwd, 200) && strcmp(cwd, "/usr/share/moved/bash") == 0);
	CHECK(faccessat(held, "copyright", R_OK, 0) == 0);
	CHECK_ERR(access(d, F_OK), ENOENT);
	/* a new one in the same place is empty */
	CHECK_OK(mkdir(d, 0755));
	CHECK(entries(d) == 2);
	CHECK_ERR(access("/usr/share/doc/bash", F_OK), ENOENT);
	CHECK_OK(rmdir(d));
	/* and back, with changes below */
	CHECK_OK(unlink("/usr/share/moved/bash/copyright"));
	CHECK_OK(mkdir("/usr/share/moved/bash/new", 0700));
	count = entries("/usr/share/moved/bash");
	CHECK_OK(rename("/usr/share/moved", d));
	CHECK_ERR(access("/usr/share/doc/bash/copyright", F_OK), ENOENT);
	CHECK_OK(access("/usr/share/doc/bash/new", F_OK));
	CHECK(entries("/usr/share/doc/bash") == count);
	CHECK(ino_of(d) == ino);
	CHECK_OK(chdir("/"));
	printf("directories done\n");
}

static void remove_all(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[600];
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		CHECK_OK(lstat(path, &st));
		CHECK(st.st_ino == e->d_ino);
		if (S_ISDIR(st.st_mode))
			remove_all(path);
		else
			CHECK_OK(unlink(path));
	}
	if (d)
		closedir(d);
	CHECK_OK(rmdir(dir));
}

static void removal(void)
{
	const char *d = "/usr/share/common-licenses";
	ino_t ino = ino_of(d);

	remove_all(d);
	CHECK_ERR(access(d, F_OK), ENOENT);
	CHECK_OK(mkdir(d, 0755));
	CHECK(entries(d) == 2);
	CHECK(ino_of(d) != ino);
	CHECK_OK(rename("/usr/share/doc", "/usr/share/common-licenses"));
	CHECK(entries(d) > 5);
	CHECK_OK(symlink("common-licenses", "/usr/share/doc"));
	CHECK_OK(access("/usr/share/doc/bash", F_OK));
	printf("removal done\n");
}

static void links(void)
{
	struct stat a, b;
	char text[100];

	CHECK_OK(stat("/etc/group", &a));
	CHECK_OK(link("/etc/group", "/etc/group2"));
	CHECK_OK(stat("/etc/group2", &b));
	CHECK(a.st_ino == b.st_ino && b.st_nlink == a.st_nlink + 1);
	int fd = open("/etc/group2", O_WRONLY | O_APPEND);
	CHECK(write(fd, "more", 4) == 4);
	CHECK_OK(stat("/etc/group", &b));
	CHECK(b.st_size == a.st_size + 4);
	CHECK_OK(rename("/etc/group", "/tmp/group"));
	CHECK_OK(stat("/tmp/group", &b));
	CHECK(b.st_size == a.st_size + 4 && b.st_ino == a.st_ino);
	/* a symlink of the host's moves with its text */
	ssize_t n = readlink("/bin", text, 99);
	if (n > 0) {
		CHECK_OK(rename("/bin", "/bin.moved"));
		char now[100];
		CHECK(readlink("/bin.moved", now, 99) == n && memcmp(text, now, n) == 0);
		CHECK_OK(access("/bin.moved/sh", X_OK));
		CHECK_OK(lchown("/bin.moved", 5, 5));
		CHECK(readlink("/bin.moved", now, 99) == n && memcmp(text, now, n) == 0);
	}
	printf("links done\n");
}

int main(void)
{
	check_in_box();
	files();
	directories();
	removal();
	links();
	return check_done();
}
