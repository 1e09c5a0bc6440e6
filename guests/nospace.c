/*
 * nospace.c - the overlay is full: ENOSPC, no harm to what is there, and room again after a
 * removal.
 *
 * guest-link: static
 * guest-options: --memory 64M
 * guest-seconds: 60
 * guest-native: no
 */
#include "check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static char block[1 << 20];

static long fill(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0600);
	long total = 0;
	ssize_t n;

	CHECK(fd >= 0);
	while ((n = write(fd, block, sizeof(block))) > 0)
		total += n;
	CHECK(n == -1 && errno == ENOSPC);
	close(fd);
	return total;
}

int main(void)
{
	char name[32];
	int made = 0, fd;
	struct stat st;

	check_in_box();
	memset(block, 'x', sizeof(block));
	long total = fill("big");
	CHECK(total > (16 << 20) && total <= (32 << 20));
	/* what is there can be written over, and removed */
	fd = open("big", O_RDWR);
	CHECK(pwrite(fd, "y", 1, 0) == 1);
	CHECK(pwrite(fd, block, sizeof(block), 1 << 20) == sizeof(block));
	CHECK_ERR(fallocate(fd, 0, 0, 1L << 40), ENOSPC);
	close(fd);
	/* a hole has a size but no room */
	fd = open("hole", O_CREAT | O_RDWR, 0600);
	CHECK_OK(ftruncate(fd, 1L << 40));
	for (ssize_t n = 0; n >= 0 && total < (1L << 30); total += n)
		n = pwrite(fd, block, sizeof(block), total);
	CHECK(total < (128 << 20) && errno == ENOSPC);
	close(fd);
	CHECK_OK(unlink("hole"));
	CHECK_OK(truncate("big", 1 << 20));
	CHECK(fill("second") > (14 << 20));
	CHECK_OK(unlink("big"));
	CHECK_OK(unlink("second"));
	/* names cost too */
	for (;;) {
		snprintf(name, sizeof(name), "n%d", made);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd < 0)
			break;
		made++;
		close(fd);
	}
	CHECK(errno == ENOSPC && made > 1000);
	CHECK_ERR(mkdir("dir", 0700), ENOSPC);
	CHECK_OK(stat("n0", &st));
	while (made-- > 0) {
		snprintf(name, sizeof(name), "n%d", made);
		CHECK_OK(unlink(name));
	}
	CHECK_OK(mkdir("dir", 0700));
	return check_done();
}
