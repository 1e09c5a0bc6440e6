/*
 * victim.c - a process of the host that the programs here try to hurt.  Run natively.
 *
 * Prints its pid, the address of some bytes, a port that it listens on and a shared segment; then
 * waits for the end of its input, and says whether all is as it was and no signal came.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char bytes[64] = "these bytes belong to the victim";
static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	signals++;
}

static int listen_tcp(int *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&in, sizeof(in)) || listen(fd, 5) ||
	    getsockname(fd, (void *)&in, &len))
		exit(1);
	*port = ntohs(in.sin_port);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int listen_abstract(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ukernel-victim-%d", getpid());
	if (fd < 0 ||
	    bind(fd, (void *)&un,
		 offsetof(struct sockaddr_un, sun_path) + 1 + strlen(un.sun_path + 1)) ||
	    listen(fd, 5))
		exit(1);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int main(void)
{
	struct rlimit before[16], after[16];
	int port, tcp = listen_tcp(&port), abstract = listen_abstract();
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666), nice_before = getpriority(0, 0);
	char *shared = shmat(id, NULL, 0), c;
	ssize_t n;

	for (int i = 1; i <= 64; i++)
		signal(i, on_signal);
	for (int i = 0; i < 16; i++)
		getrlimit(i, &before[i]);
	strcpy(shared, "shared");
	printf("%d %lx %d %d\n", getpid(), (unsigned long)bytes, port, id);
	fflush(stdout);
	while ((n = read(0, &c, 1)) != 0)
		;
	for (int i = 0; i < 16; i++)
		getrlimit(i, &after[i]);
	if (strcmp(bytes, "these bytes belong to the victim"))
		printf("my memory was changed: %s\n", bytes);
	if (strcmp(shared, "shared"))
		printf("my segment was changed: %s\n", shared);
	if (signals)
		printf("%d signals came\n", (int)signals);
	if (memcmp(before, after, sizeof(before)))
		printf("my limits were changed\n");
	if (getpriority(0, 0) != nice_before)
		printf("my priority was changed\n");
	if (accept(tcp, NULL, NULL) >= 0 || accept(abstract, NULL, NULL) >= 0)
		printf("somebody connected\n");
	if (shmctl(id, IPC_RMID, NULL))
		printf("my segment was removed\n");
	puts("end");
	return 0;
}
