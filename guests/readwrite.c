/*
 * readwrite.c - read, write and their variants; positions, holes, append, big and vector
 * transfers, bad buffers.
 *
 * guest-link: static dynamic
 */
#include "show.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned sum(const unsigned char *p, size_t n)
{
	unsigned s = 0;

	while (n--)
		s = s * 31 + *p++;
	return s;
}

static void simple(void)
{
	char buf[64] = "";
	int fd = open("a", O_CREAT | O_RDWR, 0600), ro = open("a", O_RDONLY),
	    wo = open("a", O_WRONLY), dir = open(".", O_RDONLY);

	SHOW(read(fd, buf, 10));
	SHOW(write(fd, "hello world", 11));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(read(fd, buf, 10));
	SHOW(lseek(fd, -5, SEEK_END));
	SHOW(read(fd, buf, 64));
	printf("%.5s\n", buf);
	SHOW(read(ro, buf, 5));
	SHOW(pread(ro, buf, 5, 6));
	SHOW(lseek(ro, 0, SEEK_CUR));
	SHOW(pread(ro, buf, 5, 11));
	SHOW(pread(ro, buf, 5, -1));
	SHOW(pwrite(fd, "J", 1, 0));
	SHOW(pwrite(fd, "J", 1, -5));
	SHOW(write(ro, "x", 1));
	SHOW(read(wo, buf, 1));
	SHOW(read(dir, buf, 1));
	SHOW(pread(dir, buf, 1, 0));
	SHOW(write(dir, buf, 1));
	SHOW(read(99, buf, 1));
	SHOW(read(-1, buf, 1));
	SHOW(read(fd, buf, 0));
	SHOW(syscall(SYS_read, ro, 1, 5));
	SHOW(syscall(SYS_read, ro, 1, 0));
	SHOW(syscall(SYS_write, fd, 1, 5));
	SHOW(syscall(SYS_read, ro, buf, -1L));
	SHOW(lseek(fd, -1, SEEK_SET));
	SHOW(lseek(fd, LONG_MAX, SEEK_CUR));
	SHOW(lseek(fd, 0, 99));
	SHOW(lseek(99, 0, SEEK_SET));
	SHOW(lseek(fd, -12, SEEK_END));
	close(fd);
	close(ro);
	close(wo);
	close(dir);
}

static void holes(void)
{
	int fd = open("h", O_CREAT | O_RDWR, 0600);
	char buf[16];

	SHOW(lseek(fd, 1 << 20, SEEK_SET));
	SHOW(write(fd, "end", 3));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(pread(fd, buf, 16, 5000));
	SHOW(sum((unsigned char *)buf, 16));
	SHOW(lseek(fd, 0, SEEK_DATA) > 0);
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, (1 << 20) + 1, SEEK_HOLE));
	SHOW(lseek(fd, (1 << 20) + 3, SEEK_DATA));
	SHOW(lseek(fd, -1, SEEK_DATA));
	SHOW(lseek(fd, 1L << 40, SEEK_HOLE));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1 << 20, 2));
	SHOW(pread(fd, buf, 16, 1 << 20));
	printf("%d %d %c\n", buf[0], buf[1], buf[2]);
	SHOW(fallocate(fd, 0, 1 << 20, 100));
	SHOW(lseek(fd, 0, SEEK_END) - (1 << 20));
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 2 << 20, 100));
	SHOW(lseek(fd, 0, SEEK_END) - (1 << 20));
	SHOW(fallocate(fd, 0, -1, 100));
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
	SHOW(fallocate(fd, 0x1000, 0, 10));
	SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	SHOW(posix_fadvise(fd, 0, 0, 77));
	SHOW(posix_fadvise(fd, 0, -1, 0));
	SHOW(readahead(fd, 0, 4096));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	SHOW(fsync(99));
	SHOW(sync_file_range(fd, 0, 10, SYNC_FILE_RANGE_WRITE));
	SHOW(sync_file_range(fd, -1, 10, 0));
	SHOW(sync_file_range(fd, 0, 10, 99));
	SHOW(syncfs(fd));
	close(fd);
}

static void vectors(void)
{
	char a[4], b[8], c[16];
	struct iovec iov[3] = {{a, 4}, {b, 8}, {c, 16}};
	struct iovec bad[2] = {{a, 4}, {(void *)1, 8}};
	struct iovec big[2] = {{a, LONG_MAX}, {b, LONG_MAX}};
	int fd = open("v", O_CREAT | O_RDWR, 0600);

	memcpy(a, "aaaa", 4);
	memcpy(b, "bbbbbbbb", 8);
	memcpy(c, "cccccccccccccccc", 16);
	SHOW(writev(fd, iov, 3));
	SHOW(lseek(fd, 2, SEEK_SET));
	SHOW(readv(fd, iov, 3));
	printf("%.4s %.8s %.14s\n", a, b, c);
	SHOW(preadv(fd, iov, 2, 20));
	SHOW(pwritev(fd, iov, 1, 26));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(readv(fd, iov, 0));
	SHOW(syscall(SYS_readv, fd, iov, 1025));
	SHOW(syscall(SYS_readv, fd, iov, -1));
	SHOW(syscall(SYS_readv, fd, 1, 1));
	SHOW(readv(fd, big, 2));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(readv(fd, bad, 2));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(preadv2(fd, iov, 1, 3, 0));
	SHOW(preadv2(fd, iov, 1, -1, 0));
	SHOW(preadv2(fd, iov, 1, 0, 0x1000));
	SHOW(pwritev2(fd, iov, 1, 0, RWF_APPEND));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(preadv(fd, iov, 1, -3));
	close(fd);
}

static void big(void)
{
	const size_t n = 3 << 20;
	unsigned char *p = malloc(n), *q = malloc(n);
	int fd = open("b", O_CREAT | O_RDWR, 0600);

	for (size_t i = 0; i < n; i++)
		p[i] = i * 7 + (i >> 9);
	SHOW(write(fd, p, n));
	SHOW(pread(fd, q, n, 0));
	SHOW(memcmp(p, q, n));
	for (size_t i = 0; i < n; i += 1000)
		if (pwrite(fd, p + i / 2, 10, i) != 10)
			perror("pwrite");
	SHOW(pread(fd, q, n, 0));
	SHOW(sum(q, n));
	SHOW(ftruncate(fd, 100000));
	SHOW(ftruncate(fd, 200000));
	SHOW(pread(fd, q, n, 0));
	SHOW(sum(q, 200000));
	/* small ones grow past what is kept in memory */
	int g = open("g", O_CREAT | O_RDWR, 0600);
	for (int i = 0; i < 3000; i++)
		if (write(g, p + i, 33) != 33)
			perror("write");
	SHOW(pread(g, q, n, 0));
	SHOW(sum(q, 99000));
	void *m = mmap(NULL, 99000, PROT_READ | PROT_WRITE, MAP_SHARED, g, 0);
	SHOW(sum(m, 99000));
	((char *)m)[5] = 'Z';
	SHOW(pread(g, q, 6, 0));
	printf("%c\n", q[5]);
	SHOW(pwrite(g, "Y", 1, 5));
	printf("%c\n", ((char *)m)[5]);
	/* a small file is mapped while open, written, unlinked */
	int s = open("s", O_CREAT | O_RDWR, 0600);
	SHOW(write(s, "small", 5));
	char *ms = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, s, 0);
	SHOW(pwrite(s, "SMALL", 5, 0));
	printf("%s\n", ms);
	SHOW(unlink("s"));
	SHOW(close(s));
	printf("%s\n", ms);
	/* buffers that end in nothing */
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(edge + 4096, 4096);
	SHOW(pread(g, edge + 4090, 100, 0));
	SHOW(pwrite(g, edge + 4090, 100, 0));
	free(p);
	free(q);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	simple();
	holes();
	vectors();
	big();
	return 0;
}
