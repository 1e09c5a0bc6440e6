/*
 * dev.c - the devices below /dev that every program may count on, and getrandom(2).
 */
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char buf[8192];

static int number(const char *name, unsigned maj, unsigned min)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(maj, min) &&
	       (st.st_mode & 0777) == 0666;
}

static int zeros(const char *p, size_t n)
{
	while (n && !p[n - 1])
		n--;
	return n == 0;
}

static void nodes(void)
{
	CHECK(number("/dev/null", 1, 3) && number("/dev/zero", 1, 5) && number("/dev/full", 1, 7));
	CHECK(number("/dev/random", 1, 8) && number("/dev/urandom", 1, 9));
	CHECK(readlink("/dev/fd", buf, sizeof(buf)) == 13 && memcmp(buf, "/proc/self/fd", 13) == 0);
	CHECK(access("/dev/shm", W_OK | X_OK) == 0);
}

static void null(void)
{
	int fd = open("/dev/null", O_RDWR | O_TRUNC);

	CHECK(write(fd, buf, 100) == 100);
	CHECK(write(fd, (void *)8, 100) == 100); /* nobody looks */
	CHECK(read(fd, buf, 100) == 0);
	CHECK(lseek(fd, 5, SEEK_SET) == 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == ENODEV);
	close(fd);
}

static void zero(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *map;

	memset(buf, 1, sizeof(buf));
	CHECK(read(fd, buf, sizeof(buf)) == sizeof(buf) && zeros(buf, sizeof(buf)));
	CHECK(write(fd, buf, 10) == 10);
	CHECK_ERR(read(fd, (void *)8, 10), EFAULT);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED && zeros(map, 8192));
	map[0] = 1;
	munmap(map, 8192);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED && zeros(map, 8192));
	munmap(map, 8192);
	close(fd);
}

static void full(void)
{
	int fd = open("/dev/full", O_RDWR);

	memset(buf, 1, 100);
	CHECK(read(fd, buf, 100) == 100 && zeros(buf, 100));
	CHECK_ERR(write(fd, buf, 1), ENOSPC);
	close(fd);
}

static void random_bytes(void)
{
	struct pollfd p = {open("/dev/urandom", O_RDONLY), POLLIN, 0};

	CHECK(read(p.fd, buf, 4096) == 4096 && !zeros(buf, 4096));
	CHECK(poll(&p, 1, 0) == 1);
	close(p.fd);
	CHECK(getrandom(buf, 256, 0) == 256);
	CHECK(getrandom(buf, 0, 0) == 0);
	CHECK(getrandom(buf, 16, GRND_NONBLOCK | GRND_RANDOM) == 16);
	CHECK_ERR(getrandom(buf, 16, 0x80), EINVAL);
	CHECK_ERR(getrandom(buf, 16, GRND_RANDOM | 4), EINVAL);
	CHECK_ERR(getrandom((void *)8, 16, 0), EFAULT);
}

static void by_descriptor(void)
{
	int p[2], fd;
	char name[32];

	CHECK_OK(pipe(p));
	snprintf(name, sizeof(name), "/dev/fd/%d", p[1]);
	fd = open(name, O_WRONLY);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && read(p[0], buf, 1) == 1);
	close(fd);
	CHECK_ERR(open("/dev/fd/77", O_RDONLY), ENOENT);
}

int main(void)
{
	nodes();
	null();
	zero();
	full();
	random_bytes();
	by_descriptor();
	return check_done();
}
