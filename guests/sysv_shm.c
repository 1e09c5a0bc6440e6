/*
 * sysv_shm.c - System V shared memory: shmget, shmat, shmdt, shmctl(2), and what mmap's calls do to
 * an attachment.
 */
#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asleep.h"

#define PAGE 4096L

static int attached(int id)
{
	struct shmid_ds ds;

	return shmctl(id, IPC_STAT, &ds) ? -1 : (int)ds.shm_nattch;
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* The lines of maps about segments, without what varies. */
static void show_maps(void)
{
	char line[512], perms[8], path[64];
	unsigned long lo, hi, off, ino;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %7s %lx %*s %lu %63[^\n]", &lo, &hi, perms, &off, &ino,
			   path) == 6 &&
		    !strncmp(path, "/SYSV", 5))
			printf("%lu pages %s at %lu: %s\n", (hi - lo) / PAGE, perms, off / PAGE,
			       strncmp(path, "/SYSV00000000", 13) ? "/SYSV..." : path);
	if (f)
		fclose(f);
}

static void get_calls(void)
{
	char name[] = "keyXXXXXX", text[20], label[20], line[512];
	int fd = mkstemp(name), named = 0;
	key_t key = ftok(name, 5);
	int id = shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640);
	FILE *f;

	CHECK(fd >= 0 && key != -1 && id >= 0);
	CHECK(shmget(key, 0, 0) == id && shmget(key, 5000, 0600) == id);
	CHECK_ERR(shmget(key, 5001, 0), EINVAL);
	CHECK_ERR(shmget(key, 1, IPC_CREAT | IPC_EXCL), EEXIST);
	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, -1UL, 0600), EINVAL);
	char *p = shmat(id, NULL, 0);
	snprintf(label, sizeof(label), "/SYSV%08x (deleted)", (unsigned)key);
	f = fopen("/proc/self/maps", "r");
	while (f && fgets(line, sizeof(line), f))
		named += strstr(line, label) != NULL;
	fclose(f);
	printf("named by its key: %d\n", named);
	CHECK_OK(shmdt(p));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_ERR(shmget(key, 1, 0), ENOENT);
	CHECK_ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(shmat(id, NULL, 0), EINVAL);
	CHECK_ERR(shmat(-1, NULL, 0), EINVAL);
	CHECK_ERR(shmctl(id, 12345, NULL), EINVAL);
	f = fopen("/proc/sys/kernel/shmmni", "r");
	CHECK(f && fgets(text, sizeof(text), f));
	printf("shmmni %s", text);
	fclose(f);
	close(fd);
	unlink(name);
}

static void sharing(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
	volatile int *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
	struct shmid_ds ds;
	pid_t pid;

	CHECK(p != (void *)-1 && q != (void *)-1 && p != q);
	p[0] = 42;
	CHECK(q[0] == 42 && q[1023] == 0);
	CHECK(attached(id) == 2);
	if (fork() == 0) {
		CHECK(attached(id) == 4);
		p[1] = 7;
		CHECK_OK(shmdt((void *)p));
		CHECK(attached(id) == 3);
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	CHECK(q[1] == 7 && attached(id) == 2);
	if ((pid = fork()) == 0) {
		q[0]++; /* read only */
		_exit(1);
	}
	CHECK(WTERMSIG(status_of(pid)) == SIGSEGV);
	CHECK_ERR(mprotect((void *)q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_OK(shmctl(id, IPC_STAT, &ds));
	CHECK(ds.shm_cpid == getpid() && ds.shm_lpid != 0 && ds.shm_segsz == 3 * PAGE);
	CHECK(ds.shm_atime != 0 && ds.shm_dtime != 0 && ds.shm_ctime != 0);
	show_maps();
	/* goes when the last one lets go; until then it can be attached by number */
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_OK(shmctl(id, IPC_STAT, &ds));
	printf("mode %o, key %d\n", ds.shm_perm.mode, ds.shm_perm.__key);
	CHECK_OK(shmdt((void *)q));
	int *r = shmat(id, NULL, 0);
	CHECK(r != (void *)-1 && r[0] == 42);
	CHECK_OK(shmdt(r));
	CHECK_OK(shmdt((void *)p));
	CHECK_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
	CHECK_ERR(shmdt((void *)p), EINVAL);
}

static void addresses(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	char *hole = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_ERR(shmat(id, hole + 1, 0), EINVAL);
	CHECK_ERR(shmat(id, hole, 0), EINVAL); /* something is there */
	CHECK_ERR(shmat(id, NULL, SHM_REMAP), EINVAL);
	CHECK(shmat(id, hole, SHM_REMAP) == hole);
	hole[0] = 'a';
	CHECK_OK(munmap(hole + 2 * PAGE, 6 * PAGE));
	CHECK(shmat(id, hole + 3 * PAGE + 100, SHM_RND) == hole + 3 * PAGE);
	CHECK(hole[3 * PAGE] == 'a');
	CHECK_ERR(shmat(id, hole + 4 * PAGE, 0), EINVAL);
	CHECK(attached(id) == 2);
	CHECK_ERR(shmdt(hole + PAGE), EINVAL);
	CHECK_ERR(shmdt(hole + 1), EINVAL);
	char *x = shmat(id, NULL, SHM_EXEC);
	show_maps();
	CHECK_OK(shmdt(x));
	CHECK_OK(shmdt(hole));
	CHECK(hole[3 * PAGE] == 'a');
	CHECK_OK(shmdt(hole + 3 * PAGE));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

/* Each region counts, however it came to be. */
static void parts(void)
{
	int id = shmget(IPC_PRIVATE, 8 * PAGE, 0600);
	char *p = shmat(id, NULL, 0), *q;

	strcpy(p + 6 * PAGE, "six");
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	printf("after a hole: %d\n", attached(id));
	CHECK_OK(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
	printf("after mprotect: %d\n", attached(id));
	q = mremap(p + 5 * PAGE, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 100 * PAGE);
	CHECK(q == p + 100 * PAGE && !strcmp(q + PAGE, "six"));
	printf("after mremap: %d\n", attached(id));
	show_maps();
	CHECK_OK(shmdt(p)); /* all but what has moved */
	printf("after shmdt: %d\n", attached(id));
	CHECK_ERR(shmdt(p), EINVAL);
	CHECK(!strcmp(q + PAGE, "six"));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_OK(munmap(q, 2 * PAGE));
	CHECK(attached(id) == 1);
	CHECK_OK(munmap(q + 2 * PAGE, PAGE));
	CHECK(attached(id) == -1);
}

static void ends(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	pid_t pid;
	char *p;

	if ((pid = fork()) == 0) {
		p = shmat(id, NULL, 0);
		execl("/proc/self/exe", "sysv_shm", "sleep", NULL);
		_exit(1);
	}
	while (attached(id) != 0 || !is_asleep(pid)) /* attached, exec'ed, or not yet begun */
		usleep(1000);
	kill(pid, SIGKILL);
	CHECK(WTERMSIG(status_of(pid)) == SIGKILL);
	p = shmat(id, NULL, 0);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	if ((pid = fork()) == 0) {
		pause();
		_exit(1);
	}
	CHECK_OK(shmdt(p));
	CHECK(attached(id) == 1);
	kill(pid, SIGKILL);
	CHECK(WTERMSIG(status_of(pid)) == SIGKILL);
	CHECK(attached(id) == -1);
}

static void show_state(void)
{
	int id = shmget(IPC_PRIVATE, 5000, 0640), found = 0;
	struct shmid_ds ds;
	struct shminfo limits;
	struct shm_info info;
	char line[512];
	FILE *f = fopen("/proc/sysvipc/shm", "r");

	CHECK_OK(shmctl(id, IPC_STAT, &ds));
	printf("mode %o, size %zu, attached %lu, lpid %d, atime %ld\n", ds.shm_perm.mode,
	       ds.shm_segsz, ds.shm_nattch, ds.shm_lpid, (long)ds.shm_atime);
	CHECK(ds.shm_perm.uid == geteuid() && ds.shm_perm.cgid == getegid());
	ds.shm_perm.mode = 0601;
	CHECK_OK(shmctl(id, IPC_SET, &ds));
	ds.shm_perm.uid = -1;
	CHECK_ERR(shmctl(id, IPC_SET, &ds), EINVAL);
	CHECK_OK(shmctl(id, SHM_LOCK, NULL));
	CHECK_OK(shmctl(id, IPC_STAT, &ds));
	printf("mode %o\n", ds.shm_perm.mode);
	CHECK_OK(shmctl(id, SHM_UNLOCK, NULL));
	CHECK_ERR(shmctl(id, IPC_STAT, (void *)8), EFAULT);
	CHECK_ERR(shmctl(id, IPC_SET, (void *)8), EFAULT);
	CHECK(shmctl(0, IPC_INFO, (void *)&limits) >= 0);
	printf("max %lu, min %lu, ids %lu, all %lu\n", limits.shmmax, limits.shmmin, limits.shmmni,
	       limits.shmall);
	CHECK(shmctl(0, SHM_INFO, (void *)&info) >= (id & 32767));
	CHECK(info.used_ids >= 1 && info.shm_tot >= 2);
	CHECK(shmctl(id & 32767, SHM_STAT, &ds) == id && ds.shm_segsz == 5000);
	while (f && fgets(line, sizeof(line), f)) {
		int key, got;

		if (sscanf(line, "%d %d", &key, &got) == 2 && got == id)
			found++;
		else if (strstr(line, "key"))
			fputs(line, stdout);
	}
	fclose(f);
	printf("listed %d times\n", found);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

/* For root: another user's eyes. */
static void permissions(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0604);
	struct shmid_ds ds;

	if (fork() == 0) {
		if (geteuid() == 0) {
			CHECK_OK(setgid(1234));
			CHECK_OK(setuid(1234));
			CHECK_ERR(shmat(id, NULL, 0), EACCES);
			CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
			CHECK_OK(shmctl(id, IPC_STAT, &ds));
			CHECK_ERR(shmctl(id, IPC_SET, &ds), EPERM);
			CHECK_ERR(shmctl(id, IPC_RMID, NULL), EPERM);
			CHECK_ERR(shmctl(id, SHM_LOCK, NULL), EPERM);
		}
		_exit(check_failures);
	}
	CHECK(status_of(-1) == 0);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return pause();
	setbuf(stdout, NULL);
	check_host_has(shmget(IPC_PRIVATE, 0, 0) != -1 || errno != ENOSYS);
	get_calls();
	sharing();
	addresses();
	parts();
	ends();
	show_state();
	permissions();
	return check_done();
}
