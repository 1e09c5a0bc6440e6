/*
 * reach.c - deliberate ways out: to files, processes, sockets, memory and settings of the host.
 *
 *	reach CANARY VICTIM ADDRESS PORT SHMID
 *
 * CANARY: a file of the host that the box can read.  VICTIM: a process of the host, with known
 * bytes at ADDRESS.  PORT: something of the host listens there on 127.0.0.1.  SHMID: a System V
 * segment of the host.  What is had from inside is printed as FAIL where the answer alone proves
 * it; the rest shows on the host.
 */
#include "hostile.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

static char *canary;
static long victim, port, shmid;
static uint64_t address;

static void bad(const char *what)
{
	printf("FAIL %s\n", what);
}

static int files(void *arg)
{
	static const char *const hosts[] = {
	    "/dev/mem",	    "/dev/kmem",	"/dev/port",	      "/proc/kcore",
	    "/dev/sda",	    "/dev/vda",		"/dev/kvm",	      "/dev/fuse",
	    "/dev/net/tun", "/dev/userfaultfd", "/proc/sysrq-trigger"};
	char path[4200];
	int fd;

	/* In the box all of these may work: on its overlay. */
	fd = open(canary, O_WRONLY | O_TRUNC);
	if (fd >= 0)
		dprintf(fd, "spoilt\n");
	chmod(canary, 0777);
	snprintf(path, sizeof(path), "%s.new", canary);
	close(open(path, O_CREAT | O_WRONLY, 0666));
	link(canary, path);
	snprintf(path, sizeof(path), "%s.dir", canary);
	mkdir(path, 0777);
	mknod("/tmp/box-mem", S_IFCHR | 0666, 1 << 8 | 1);
	mknod("/tmp/box-disk", S_IFBLK | 0666, 8 << 8);
	for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		fd = open(hosts[i], O_RDWR);
		if (fd >= 0 && write(fd, "", 0) == 0)
			printf("opened for writing: %s\n", hosts[i]);
	}
	fd = open("/tmp/box-mem", O_RDWR);
	if (fd >= 0 && pread(fd, path, 16, 0x1000) == 16)
		bad("read the machine's memory through a device node");
	rename(canary, "/tmp/box-moved");
	unlink(canary);
	return 0;
}

/* Ways to the same file through what /proc knows of other processes. */
static int through_proc(void *arg)
{
	static const char *const ways[] = {"/proc/%ld/root%s", "/proc/%ld/cwd/%s"};
	char path[8400];
	int fd;

	for (long pid = 0; pid < 3; pid++) {
		for (unsigned i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), ways[i], pid ? pid : victim, canary);
			fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0666);
			if (fd >= 0)
				dprintf(fd, "spoilt\n");
		}
	}
	snprintf(path, sizeof(path), "/proc/%ld/mem", victim);
	fd = open(path, O_RDWR);
	if (fd >= 0 && pwrite(fd, "spoilt", 6, address) == 6)
		bad("wrote to the victim through /proc");
	snprintf(path, sizeof(path), "/proc/%ld", victim);
	if (access(path, F_OK) == 0)
		bad("sees the victim in /proc");
	return 0;
}

/* The machine's own descriptors, by number: it shares its table with the guests' processes. */
static int descriptors(void *arg)
{
	for (int fd = 3; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || dup(fd) >= 0 || write(fd, "x", 1) >= 0)
			printf("FAIL descriptor %d is open\n", fd);
		close(fd);
	}
	syscall(SYS_close_range, 3, ~0U, 0);
	return 0;
}

static int processes(void *arg)
{
	char buf[64] = "spoilt";
	struct iovec mine = {buf, 6}, its = {(void *)address, 6};
	struct rlimit limit = {1, 1};

	for (int sig = 1; sig <= 64; sig++)
		kill(victim, sig);
	syscall(SYS_tkill, victim, SIGKILL);
	syscall(SYS_tgkill, victim, victim, SIGKILL);
	if (kill(victim, 0) == 0)
		bad("may signal the victim");
	if (ptrace(PTRACE_ATTACH, victim, 0, 0) == 0)
		bad("attached to the victim");
	if (process_vm_writev(victim, &mine, 1, &its, 1, 0) == 6)
		bad("wrote into the victim");
	if (process_vm_readv(victim, &mine, 1, &its, 1, 0) == 6)
		bad("read from the victim");
	if (syscall(SYS_pidfd_open, victim, 0) >= 0)
		bad("has a pidfd of the victim");
	if (syscall(SYS_prlimit64, victim, RLIMIT_NOFILE, &limit, NULL) == 0)
		bad("set the victim's limits");
	if (setpriority(PRIO_PROCESS, victim, 19) == 0)
		bad("set the victim's priority");
	if (syscall(SYS_kcmp, victim, getpid(), 0, 0, 0) >= 0)
		bad("compared itself with the victim");
	syscall(SYS_rt_sigqueueinfo, victim, SIGKILL, buf);
	syscall(SYS_move_pages, victim, 0, 0, 0, 0, 0);
	return 0;
}

static int sockets(void *arg)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (void *)&in, sizeof(in)) == 0)
		bad("connected to a port of the host");
	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "ukernel-victim-%ld", victim);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 &&
	    connect(fd, (void *)&un,
		    offsetof(struct sockaddr_un, sun_path) + 1 + strlen(un.sun_path + 1)) == 0)
		bad("connected to an abstract socket of the host");
	if (socket(AF_NETLINK, SOCK_RAW, 0) >= 0)
		printf("has a netlink socket\n");
	if (socket(AF_PACKET, SOCK_RAW, 0) >= 0)
		bad("has a packet socket");
	return 0;
}

static int settings(void *arg)
{
	struct timeval tv = {1000000000, 0};
	struct timespec ts = {1000000000, 0};
	struct rlimit none = {0, 0};

	sethostname("spoilt", 6);
	setdomainname("spoilt", 6);
	settimeofday(&tv, NULL);
	clock_settime(CLOCK_REALTIME, &ts);
	for (int i = 0; i < 16; i++)
		if (i != RLIMIT_CPU)
			setrlimit(i, &none);
	umask(0777);
	chroot("/tmp");
	chdir("/tmp");
	setpriority(PRIO_PROCESS, 0, -20);
	setpriority(PRIO_USER, 0, 19);
	nice(19);
	setsid();
	mount("none", "/tmp", "tmpfs", 0, NULL);
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	umount2("/proc", MNT_DETACH);
	syscall(SYS_pivot_root, "/tmp", "/tmp");
	syscall(SYS_unshare, CLONE_NEWNS | CLONE_NEWUSER);
	syscall(SYS_swapoff, "/dev/sda");
	syscall(SYS_syslog, 5, NULL, 0);
	syscall(SYS_acct, "/tmp/acct");
	return 0;
}

static int devices_of_the_kernel(void *arg)
{
	static const struct {
		const char *name;
		long nr, a, b, c;
	} calls[] = {
	    {"bpf", SYS_bpf, 5, 0, 0},
	    {"perf_event_open", SYS_perf_event_open, 0, 0, -1},
	    {"userfaultfd", SYS_userfaultfd, 0, 0, 0},
	    {"io_uring_setup", SYS_io_uring_setup, 8, 0, 0},
	    {"init_module", SYS_init_module, 0, 0, 0},
	    {"kexec_load", SYS_kexec_load, 0, 0, 0},
	    {"iopl", SYS_iopl, 3, 0, 0},
	    {"ioperm", SYS_ioperm, 0x80, 1, 1},
	    {"modify_ldt", SYS_modify_ldt, 1, 0, 0},
	    {"add_key", SYS_add_key, 0, 0, 0},
	    {"keyctl", SYS_keyctl, 0, -3, 1},
	    {"open_by_handle_at", SYS_open_by_handle_at, -100, 0, 0},
	    {"fanotify_init", SYS_fanotify_init, 0, 0, 0},
	    {"quotactl", SYS_quotactl, 0, 0, 0},
	    {"landlock", SYS_landlock_create_ruleset, 0, 0, 1},
	    {"seccomp", SYS_seccomp, 0, 0, 0},
	};

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (syscall(calls[i].nr, calls[i].a, calls[i].b, calls[i].c, 0, 0) >= 0)
			printf("answers: %s\n", calls[i].name);
	reboot(RB_AUTOBOOT);
	return 0;
}

static int shared_memory(void *arg)
{
	char *p = shmat((int)shmid, NULL, 0);

	if (p != (char *)-1) {
		bad("attached a segment of the host");
		strcpy(p, "spoilt");
	}
	shmctl((int)shmid, IPC_RMID, NULL);
	return 0;
}

/* fork and signal storms must stay inside. */
static int storm(void *arg)
{
	for (int i = 0; i < 50; i++)
		if (fork() == 0)
			for (;;)
				fork() == 0 ? raw_exit(0) : wait(NULL);
	kill(-1, SIGTERM);
	return 0;
}

int main(int argc, char **argv)
{
	static int (*const attempts[])(void *) = {
	    descriptors,	   files,	  through_proc, processes, sockets, settings,
	    devices_of_the_kernel, shared_memory, storm};

	require_box();
	if (argc < 6)
		return 97;
	canary = argv[1];
	victim = atol(argv[2]);
	address = strtoull(argv[3], NULL, 16);
	port = atol(argv[4]);
	shmid = atol(argv[5]);
	meet("ready");
	signal(SIGTERM, SIG_IGN);
	for (unsigned i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		printf("attempt %u: status %d\n", i, in_child(attempts[i], NULL, 3000));
	kill(-1, SIGKILL);
	meet("done");
	return 0;
}
