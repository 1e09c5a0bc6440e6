/*
 * process_test.c - fork, exec, exit, wait, reparenting, groups and sessions.
 */
#include "box_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MINE 2

BOX_SUITE(process);

static void exit_with(uint64_t status)
{
	guest_exit((int)status);
}

BOX_TEST(process, numbers)
{
	GUEST_EQ(SYS(getpid), MINE);
	GUEST_EQ(SYS(gettid), MINE);
	GUEST_EQ(SYS(getppid), 1);
}

BOX_TEST(process, exit_status_reaches_the_parent)
{
	int status = 0;
	long pid = guest_fork(exit_with, 42);

	GUEST_CHECK(pid > MINE);
	GUEST_EQ(guest_wait(pid, &status, 0), pid);
	GUEST_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	GUEST_EQ(guest_wait(pid, &status, 0), -ECHILD);
	GUEST_EQ(guest_wait(-1, &status, 0), -ECHILD);
	guest_fork(exit_with, 0x1ff);
	guest_wait(-1, &status, 0);
	GUEST_EQ(WEXITSTATUS(status), 0xff);
}

static void compute_a_little(uint64_t arg)
{
	guest_compute(5 * MS);
}

BOX_TEST(process, wait_options)
{
	uaddr_t info = guest_alloc(128);
	int status, si[6];
	long pid = guest_fork(compute_a_little, 0);

	GUEST_EQ(guest_wait(pid, &status, WNOHANG), 0);
	GUEST_EQ(SYS(waitid, P_PID, pid, info, WEXITED | WNOWAIT, 0), 0);
	guest_get(si, info, sizeof(si));
	GUEST_EQ(si[0], SIGCHLD);
	GUEST_EQ(si[2], CLD_EXITED);
	GUEST_EQ(si[4], pid);
	GUEST_EQ(SYS(waitid, P_PID, pid, info, WEXITED, 0), 0);
	GUEST_EQ(SYS(waitid, P_PID, pid, info, WEXITED, 0), -ECHILD);
	GUEST_EQ(SYS(waitid, P_ALL, 0, info, 0, 0), -EINVAL);
	GUEST_EQ(SYS(wait4, -1, 0, 0x100, 0), -EINVAL);
	guest_fork(exit_with, 0);
	GUEST_EQ(SYS(wait4, -1, 8, 0, 0), -EFAULT);
}

static long orphan_parent_before, orphan_parent_after;

static void orphan(uint64_t arg)
{
	orphan_parent_before = SYS(getppid);
	guest_sleep(10 * MS);
	orphan_parent_after = SYS(getppid);
}

static void leave_an_orphan(uint64_t arg)
{
	guest_fork(orphan, 0);
	guest_sleep(5 * MS);
}

BOX_TEST(process, orphans_go_to_init)
{
	int status;
	long pid = guest_fork(leave_an_orphan, 0);

	GUEST_EQ(guest_wait(pid, &status, 0), pid);
	guest_sleep(20 * MS);
	GUEST_EQ(orphan_parent_before, pid);
	GUEST_EQ(orphan_parent_after, 1);
	GUEST_EQ(guest_wait(-1, &status, 0), -ECHILD);
}

BOX_TEST(process, or_to_the_subreaper)
{
	int status;

	GUEST_EQ(SYS(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	guest_fork(leave_an_orphan, 0);
	GUEST_CHECK(guest_wait(-1, &status, 0) > 0);
	GUEST_CHECK(guest_wait(-1, &status, 0) > 0);
	GUEST_EQ(orphan_parent_after, MINE);
}

BOX_TEST(process, a_process_that_ignores_its_children_has_no_zombies)
{
	int status;

	guest_ignore(SIGCHLD);
	guest_fork(compute_a_little, 0);
	GUEST_EQ(guest_wait(-1, &status, 0), -ECHILD);
	GUEST_CHECK(fake_now_ns() >= 5 * MS);
}

static void second_program(uint64_t arg)
{
	GUEST_EQ(SYS(getpid), MINE + 1);
	guest_log("exec");
	guest_exit(9);
}

static long exec(const char *path)
{
	uint64_t argv[2] = {guest_string(path), 0};
	uaddr_t at = guest_alloc(sizeof(argv));

	guest_put(at, argv, sizeof(argv));
	return SYS(execve, argv[0], at, 0);
}

static void exec_second(uint64_t arg)
{
	guest_program("bin/second", second_program);
	exec("/bin/second");
	guest_log("failed");
}

BOX_TEST(process, exec_runs_another_program)
{
	int status = 0;

	guest_fork(exec_second, 0);
	guest_wait(-1, &status, 0);
	GUEST_EQ(WEXITSTATUS(status), 9);
	GUEST_CHECK(strcmp(guest_log_text, "exec") == 0);
}

BOX_TEST(process, exec_that_fails_changes_nothing)
{
	GUEST_EQ(exec("/bin/none"), -ENOENT);
	GUEST_EQ(exec("/etc/motd"), -EACCES);
	GUEST_EQ(exec("/etc"), -EACCES);
	GUEST_EQ(exec("/etc/motd/x"), -ENOTDIR);
	GUEST_EQ(SYS(chmod, guest_string("/etc/motd"), 0755), 0);
	GUEST_EQ(exec("/etc/motd"), -ENOEXEC);
	GUEST_EQ(SYS(execve, 8, 0, 0), -EFAULT);
	GUEST_EQ(SYS(getpid), MINE);
}

static void child_of_vfork(uint64_t arg)
{
	guest_compute(5 * MS);
	guest_log("c");
}

BOX_TEST(process, vfork_waits_for_its_child)
{
	int status;

	fake_set_child(child_of_vfork, 0);
	GUEST_CHECK(SYS(vfork) > MINE);
	guest_log("p");
	guest_wait(-1, &status, 0);
	GUEST_CHECK(strcmp(guest_log_text, "cp") == 0);
}

static uaddr_t word;

static void write_word(uint64_t value)
{
	guest_put32(word, (uint32_t)value);
}

BOX_TEST(process, fork_copies_memory_clone_shares_it)
{
	int status;

	word = guest_alloc(4);
	guest_put32(word, 1);
	guest_fork(write_word, 2);
	guest_wait(-1, &status, 0);
	GUEST_EQ(guest_get32(word), 1);
	fake_set_child(write_word, 3);
	SYS(clone, CLONE_VM | SIGCHLD, guest_alloc(4096) + 4096, 0, 0, 0);
	guest_wait(-1, &status, 0);
	GUEST_EQ(guest_get32(word), 3);
}

static void exit_the_group(uint64_t arg)
{
	guest_sleep(2 * MS);
	guest_exit(5);
}

static void threads_end_together(uint64_t arg)
{
	for (int i = 0; i < 3; i++)
		guest_thread(compute_a_little, 0, 0);
	guest_thread(exit_the_group, 0, 0);
	guest_compute(1000 * MS);
	guest_log("late");
}

BOX_TEST(process, exit_group_ends_every_thread, .cpus = 2)
{
	int status = 0;

	guest_fork(threads_end_together, 0);
	guest_wait(-1, &status, 0);
	GUEST_EQ(WEXITSTATUS(status), 5);
	GUEST_CHECK(!*guest_log_text);
	GUEST_CHECK(fake_now_ns() < 1900 * MS);
}

static void thread_execs(uint64_t arg)
{
	guest_sleep(MS);
	exec("/bin/second");
	guest_log("failed");
}

static void exec_from_a_thread(uint64_t arg)
{
	guest_program("bin/second", second_program);
	guest_thread(thread_execs, 0, 0);
	guest_compute(1000 * MS);
	guest_log("late");
}

/* The thread that execs takes over the process and its number. */
BOX_TEST(process, exec_ends_the_other_threads)
{
	int status = 0;
	long pid = guest_fork(exec_from_a_thread, 0);

	GUEST_EQ(guest_wait(-1, &status, 0), pid);
	GUEST_EQ(WEXITSTATUS(status), 9);
	GUEST_CHECK(strcmp(guest_log_text, "exec") == 0);
}

BOX_TEST(process, too_many, .pids_max = 10)
{
	int status, n = 0;
	long got;

	while ((got = guest_fork(compute_a_little, 0)) > 0 && n < 20)
		n++;
	GUEST_EQ(got, -EAGAIN);
	GUEST_CHECK(n >= 7 && n < 10);
	while (guest_wait(-1, &status, 0) > 0)
		n--;
	GUEST_EQ(n, 0);
	GUEST_CHECK(guest_fork(exit_with, 0) > 0);
}

static void in_own_group(uint64_t arg)
{
	GUEST_EQ(SYS(setpgid, 0, 0), 0);
	GUEST_EQ(SYS(getpgid, 0), SYS(getpid));
	guest_compute(1000 * MS);
}

BOX_TEST(process, groups_are_signalled_together)
{
	int status;
	long first = guest_fork(in_own_group, 0), second = guest_fork(in_own_group, 0);

	guest_sleep(20 * MS);
	GUEST_EQ(SYS(kill, -first, SIGTERM), 0);
	GUEST_EQ(guest_wait(-first, &status, 0), first);
	GUEST_EQ(status, SIGTERM);
	GUEST_EQ(guest_wait(second, &status, WNOHANG), 0);
	SYS(kill, second, SIGKILL);
	GUEST_EQ(guest_wait(second, &status, 0), second);
	GUEST_EQ(SYS(kill, -first, 0), -ESRCH);
}

static void new_session(uint64_t arg)
{
	long pid = SYS(getpid);

	GUEST_EQ(SYS(setsid), pid);
	GUEST_EQ(SYS(getsid, 0), pid);
	GUEST_EQ(SYS(getpgid, 0), pid);
	GUEST_EQ(SYS(setsid), -EPERM);
	GUEST_EQ(SYS(setpgid, 0, 0), -EPERM);
}

BOX_TEST(process, sessions)
{
	int status = -1;

	guest_fork(new_session, 0);
	guest_wait(-1, &status, 0);
	GUEST_EQ(status, 0);
	GUEST_EQ(SYS(setpgid, 30000, 0), -ESRCH);
}

BOX_TEST(process, bad_clones)
{
	GUEST_EQ(SYS(clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), -EINVAL);
	GUEST_EQ(SYS(clone, CLONE_SIGHAND, 0, 0, 0, 0), -EINVAL);
	GUEST_EQ(SYS(clone, CLONE_NEWNS | CLONE_FS, 0, 0, 0, 0), -EINVAL);
	GUEST_EQ(SYS(clone3, guest_alloc(88), 8), -EINVAL);
	GUEST_EQ(SYS(clone3, 8, 88), -EFAULT);
}

/* Unknown numbers, and numbers that are known but not ours. */
BOX_TEST(process, unknown_calls)
{
	static const uint64_t none[6];

	GUEST_EQ(guest_syscall(SYS_reboot, none), -ENOSYS);
	GUEST_EQ(guest_syscall(511, none), -ENOSYS);
	GUEST_EQ(guest_syscall(512, none), -ENOSYS);
	GUEST_EQ(guest_syscall(1000000, none), -ENOSYS);
	GUEST_EQ(guest_syscall(-1L, none), -ENOSYS);
	GUEST_EQ(guest_syscall(39 | 0x40000000, none), -ENOSYS);
	/* Linux looks at the low 32 bits of rax alone. */
	GUEST_EQ(guest_syscall(SYS_getpid | 1L << 32, none), MINE);
}
