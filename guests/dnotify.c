/* dnotify: fcntl(F_NOTIFY) sends a signal when a directory changes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int seen, seen_fd;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	seen++;
	seen_fd = si->si_fd;
}

int main(void)
{
	char dir[] = "/tmp/dnotify.XXXXXX";
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

	if (!mkdtemp(dir) || chdir(dir))
		return 1;
	sigaction(SIGRTMIN, &sa, NULL);
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	int plain = open("plain", O_RDWR | O_CREAT, 0600);

	printf("not a directory: %d\n",
	       fcntl(plain, F_NOTIFY, DN_CREATE) == -1 && errno == ENOTDIR);
	fcntl(fd, F_SETSIG, SIGRTMIN);
	printf("once: %d\n", fcntl(fd, F_NOTIFY, DN_CREATE));
	close(creat("a", 0600));
	close(creat("b", 0600));
	printf("create: %d signal, fd right: %d\n", seen, seen_fd == fd);
	seen = 0;
	fcntl(fd, F_NOTIFY, DN_DELETE | DN_RENAME | DN_MULTISHOT);
	unlink("a");
	rename("b", "c");
	unlink("c");
	printf("delete and rename: seen %d\n", seen >= 3);
	fcntl(fd, F_NOTIFY, 0);
	seen = 0;
	unlink("plain");
	printf("off: %d\n", seen);
	chdir("/");
	rmdir(dir);
	return 0;
}
