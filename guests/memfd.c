/*
 * memfd.c - memfd_create(2) and its seals (fcntl(2), F_ADD_SEALS).
 */
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void plain(void)
{
	char buf[16] = "", name[64] = "", link[40];
	int fd = memfd_create("some name", MFD_CLOEXEC), again;
	struct stat st;
	char *map;

	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(write(fd, "contents", 8) == 8);
	CHECK(lseek(fd, 0, SEEK_CUR) == 8);
	CHECK(pread(fd, buf, 16, 3) == 5 && strcmp(buf, "tents") == 0);
	CHECK_OK(ftruncate(fd, 100));
	CHECK_OK(fstat(fd, &st));
	CHECK(S_ISREG(st.st_mode) && st.st_size == 100 && st.st_nlink == 0);
	printf("mode %o\n", st.st_mode & 07777);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK(readlink(link, name, sizeof(name) - 1) > 0);
	printf("%s\n", name);
	map = mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED && memcmp(map, "contents", 8) == 0);
	map[0] = 'C';
	CHECK(pread(fd, buf, 1, 0) == 1 && buf[0] == 'C');
	CHECK(pwrite(fd, "xyz", 3, 50) == 3 && memcmp(map + 50, "xyz", 3) == 0);
	again = open(link, O_RDONLY);
	CHECK(again >= 0 && read(again, buf, 4) == 4 && memcmp(buf, "Cont", 4) == 0);
	CHECK_ERR(write(again, "x", 1), EBADF);
	fflush(stdout);
	if (fork() == 0) {
		map[1] = 'O';
		_exit(0);
	}
	wait(NULL);
	CHECK(map[1] == 'O');
	munmap(map, 100);
	CHECK(fcntl(fd, F_GET_SEALS) == F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	close(again);
	close(fd);
}

static void seals(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING), ro;
	char link[40], *map;

	CHECK(fcntl(fd, F_GET_SEALS) == 0);
	CHECK_OK(ftruncate(fd, 4096));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CHECK_ERR(ftruncate(fd, 8192), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 4096), EPERM);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CHECK_ERR(ftruncate(fd, 10), EPERM);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	munmap(map, 4096);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
	      errno == EPERM);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK_ERR(mprotect(map, 4096, PROT_READ | PROT_WRITE), EACCES);
	CHECK_OK(mprotect(map, 4096, PROT_NONE));
	munmap(map, 4096);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	munmap(map, 4096);
	printf("seals %x\n", fcntl(fd, F_GET_SEALS));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ro = open(link, O_RDONLY);
	CHECK_ERR(fcntl(ro, F_ADD_SEALS, F_SEAL_SEAL), EPERM);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
	close(ro);
	close(fd);
}

int main(void)
{
	char longname[260];
	int p[2];

	plain();
	seals();
	memset(longname, 'n', sizeof(longname));
	longname[249] = '\0';
	CHECK(memfd_create(longname, 0) >= 0);
	longname[249] = 'n';
	longname[250] = '\0';
	CHECK_ERR(memfd_create(longname, 0), EINVAL);
	CHECK_ERR(memfd_create((char *)8, 0), EFAULT);
	CHECK_ERR(memfd_create("x", 0x8000), EINVAL);
	CHECK_OK(pipe(p));
	CHECK_ERR(fcntl(p[0], F_GET_SEALS), EINVAL);
	return check_done();
}
