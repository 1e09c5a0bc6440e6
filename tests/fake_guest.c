/*
 * fake_guest.c - guest programs as C functions, and the small box that they are booted in.
 *
 * Each function has an address in the text of a program file, so the kernel's own exec, signal
 * frames and clone work on it: whatever the kernel puts into rip is looked up here and called.
 * A handler "returns" to its restorer, which makes the rt_sigreturn call as libc's does.
 */
#include "fake_machine.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The program's layout: text, then an arena of zeroes. */
#define TEXT	     0x400000UL
#define AT_SYSCALL   (TEXT + 0xf00) /* where every call is made; two bytes long */
#define AT_COMPUTE   (TEXT + 0xf10)
#define AT_ACCESS    (TEXT + 0xf20)
#define AT_RESTORER  (TEXT + 0xf30)
#define AT_FUNCTIONS (TEXT + 0x1000)
#define ARENA	     0x600000UL
#define ARENA_LEN    (1UL << 20)
#define FUNCTIONS    128
#define LOG_LEN	     65536
#define FAILURES_MAX 30

#define SA_RESTORER_FLAG 0x04000000

static struct {
	void *fn;
	bool program; /* entered by exec: called with nothing, then exits */
} function[FUNCTIONS];
static unsigned nr_functions;

static char box_dir[] = "/tmp/ukernel-fake.XXXXXX";
static uaddr_t arena_next = ARENA;
int guest_failures;
char guest_log_text[LOG_LEN];

static uaddr_t function_address(void *fn, bool program)
{
	for (unsigned i = 0; i < nr_functions; i++)
		if (function[i].fn == fn && function[i].program == program)
			return AT_FUNCTIONS + 16 * i;
	if (nr_functions == FUNCTIONS)
		abort();
	function[nr_functions].fn = fn;
	function[nr_functions].program = program;
	return AT_FUNCTIONS + 16 * nr_functions++;
}

/* --- control --- */

/* The kernel has sent th somewhere else: a handler, or a program after exec. */
static void follow(struct vthread *th)
{
	struct regs *r = fake_regs(th);
	uint64_t i = (r->rip - AT_FUNCTIONS) / 16, sp = r->rsp;

	if (r->rip < AT_FUNCTIONS || i >= nr_functions) {
		fake_trap_fault(th, SIGSEGV, SEGV_MAPERR, r->rip);
	} else if (function[i].program) {
		((guest_fn)function[i].fn)(0);
		guest_exit(0);
	} else {
		uaddr_t restorer;

		((guest_handler)function[i].fn)(r->rdi, r->rsi, r->rdx);
		guest_get(&restorer, sp, 8);
		GUEST_CHECK(restorer == AT_RESTORER);
		r->rsp = sp + 8;
		r->rax = r->orig_rax = SYS_rt_sigreturn;
		r->rip = AT_RESTORER + 2;
		fake_trap_syscall(th, SYS_rt_sigreturn);
	}
}

void guest_start(struct vthread *th)
{
	guest_fn fn;
	uint64_t arg;

	if (fake_take_child(th, &fn, &arg)) {
		while (fake_regs(th)->rip != AT_SYSCALL + 2)
			follow(th);
		GUEST_EQ(fake_regs(th)->rax, 0);
		fn(arg);
		/* A thread ends alone, a process as a whole: for a process of one it is the same.
		 */
		SYS(exit, 0);
	}
	for (;;)
		follow(th);
}

long guest_syscall(long nr, const uint64_t arg[6])
{
	struct vthread *th = fake_self();
	struct regs *r = fake_regs(th);

	r->rax = nr;
	r->rdi = arg[0];
	r->rsi = arg[1];
	r->rdx = arg[2];
	r->r10 = arg[3];
	r->r8 = arg[4];
	r->r9 = arg[5];
	r->rip = AT_SYSCALL;
	for (;;) {
		if (r->rip == AT_SYSCALL) { /* for the first time, or restarted */
			r->orig_rax = r->rax;
			r->rip = AT_SYSCALL + 2;
			r->rcx = r->rip;
			r->r11 = r->eflags;
			fake_trap_syscall(th, r->rax);
		}
		if (r->rip == AT_SYSCALL + 2)
			return r->rax;
		if (r->rip != AT_SYSCALL)
			follow(th);
	}
}

void guest_compute(uint64_t ns)
{
	struct vthread *th = fake_self();
	struct regs *r = fake_regs(th);

	r->rip = AT_COMPUTE;
	while (ns) {
		fake_trap_compute(th, &ns);
		while (r->rip != AT_COMPUTE)
			follow(th);
	}
}

/* --- memory --- */

static void guest_access(bool write, void *buf, uaddr_t at, size_t len)
{
	struct vthread *th = fake_self();
	struct regs *r = fake_regs(th);
	size_t done = 0;

	while (done < len) {
		char *part = (char *)buf + done;

		done += write ? space_write(fake_space(th), at + done, part, len - done)
			      : space_read(fake_space(th), at + done, part, len - done);
		if (done < len) {
			uaddr_t bad = at + done;
			int prot = space_page_prot(fake_space(th), bad);

			r->rip = AT_ACCESS;
			fake_trap_fault(th, SIGSEGV, prot < 0 ? SEGV_MAPERR : SEGV_ACCERR, bad);
			while (r->rip != AT_ACCESS)
				follow(th);
		}
	}
}

void guest_get(void *to, uaddr_t from, size_t len)
{
	guest_access(false, to, from, len);
}

void guest_put(uaddr_t to, const void *from, size_t len)
{
	guest_access(true, (void *)from, to, len);
}

uint32_t guest_get32(uaddr_t from)
{
	uint32_t x;

	guest_get(&x, from, sizeof(x));
	return x;
}

void guest_put32(uaddr_t to, uint32_t value)
{
	guest_put(to, &value, sizeof(value));
}

bool guest_page_mapped(uaddr_t addr)
{
	return space_page_prot(fake_space(fake_self()), addr) >= 0;
}

bool guest_page_allows(uaddr_t addr, int prot)
{
	int has = space_page_prot(fake_space(fake_self()), addr);

	return has >= 0 && (has & prot) == prot;
}

/* The arena is handed out once for all guests of a test, so no two meet in one space. */
uaddr_t guest_alloc(size_t len)
{
	uaddr_t at = arena_next;

	arena_next += (len + 15) & ~15UL;
	if (arena_next > ARENA + ARENA_LEN)
		abort();
	return at;
}

uaddr_t guest_string(const char *text)
{
	uaddr_t at = guest_alloc(strlen(text) + 1);

	guest_put(at, text, strlen(text) + 1);
	return at;
}

/* --- processes and signals --- */

long guest_fork(guest_fn fn, uint64_t arg)
{
	fake_set_child(fn, arg);
	return SYS(fork);
}

long guest_thread(guest_fn fn, uint64_t arg, uaddr_t ctid)
{
	unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			      CLONE_SYSVSEM |
			      (ctid ? CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID : 0);

	fake_set_child(fn, arg);
	return SYS(clone, flags, guest_alloc(8192) + 8192, ctid, ctid, 0);
}

_Noreturn void guest_exit(int status)
{
	SYS(exit_group, status);
	abort();
}

long guest_wait(long pid, int *status, int options)
{
	uaddr_t at = guest_alloc(4);
	long got = SYS(wait4, pid, at, options, 0);

	if (got > 0)
		*status = guest_get32(at);
	return got;
}

uaddr_t guest_handler_address(guest_handler handler)
{
	return function_address((void *)handler, false);
}

static long set_action(int signo, uaddr_t handler, uint64_t flags)
{
	uint64_t act[4] = {handler, flags | SA_RESTORER_FLAG, AT_RESTORER, 0};
	uaddr_t at = guest_alloc(sizeof(act));

	guest_put(at, act, sizeof(act));
	return SYS(rt_sigaction, signo, at, 0, 8);
}

long guest_signal(int signo, guest_handler handler, uint64_t flags)
{
	return set_action(signo, handler ? guest_handler_address(handler) : 0, flags);
}

long guest_ignore(int signo)
{
	return set_action(signo, 1, 0);
}

/* --- what guests report --- */

void guest_log(const char *text)
{
	strncat(guest_log_text, text, LOG_LEN - 1 - strlen(guest_log_text));
}

/* After so many failures there is nothing more to learn. */
static bool failure_counts(bool good)
{
	if (!good && ++guest_failures == FAILURES_MAX)
		guest_exit(2);
	return !good;
}

void guest_check(bool good, const char *text, const char *file, int line)
{
	if (failure_counts(good))
		fprintf(stderr, "%s:%d: guest found false: %s\n", file, line, text);
}

void guest_check_eq(long got, long want, const char *text, const char *file, int line)
{
	if (failure_counts(got == want))
		fprintf(stderr, "%s:%d: guest found %s = %ld, not %ld\n", file, line, text, got,
			want);
}

/* --- the box --- */

static void file_write(const char *name, const void *buf, size_t len, mode_t mode)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", box_dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
	if (fd < 0 || write(fd, buf, len) != (ssize_t)len) {
		perror(path);
		abort();
	}
	close(fd);
}

void guest_program(const char *name, guest_fn fn)
{
	static struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[2];
		char fill[3 * PAGE_SIZE - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	} elf;

	memcpy(elf.eh.e_ident, ELFMAG "\2\1\1", SELFMAG + 3);
	elf.eh.e_type = ET_EXEC;
	elf.eh.e_machine = EM_X86_64;
	elf.eh.e_version = EV_CURRENT;
	elf.eh.e_entry = function_address((void *)fn, true);
	elf.eh.e_phoff = sizeof(elf.eh);
	elf.eh.e_ehsize = sizeof(elf.eh);
	elf.eh.e_phentsize = sizeof(elf.ph[0]);
	elf.eh.e_phnum = 2;
	elf.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_X,
				 .p_vaddr = TEXT,
				 .p_filesz = sizeof(elf),
				 .p_memsz = sizeof(elf),
				 .p_align = PAGE_SIZE};
	elf.ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_W,
				 .p_vaddr = ARENA,
				 .p_memsz = ARENA_LEN,
				 .p_align = PAGE_SIZE};
	file_write(name, &elf, sizeof(elf), 0755);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void box_make(void)
{
	static const char *const dirs[] = {"bin", "tmp", "dev", "proc", "etc", "usr", "usr/share"};
	char path[256];

	if (!mkdtemp(box_dir)) {
		perror(box_dir);
		abort();
	}
	chmod(box_dir, 0755);
	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", box_dir, dirs[i]);
		mkdir(path, 0755);
	}
	file_write("etc/motd", "welcome\n", 8, 0644);
}

int fake_run(guest_fn first, const struct fake_options *opt)
{
	static const struct fake_options none;
	char *argv[] = {"/bin/first", NULL}, *envp[] = {"HOME=/", NULL};
	struct boot_config config = {.cpus = 1,
				     .tick_ns = 4000000,
				     .root_dir = box_dir,
				     .hostname = "fake",
				     .workdir = "/",
				     .argv = argv,
				     .envp = envp};
	struct machine_config mc;
	int status, err;

	if (!opt)
		opt = &none;
	if (opt->cpus)
		config.cpus = opt->cpus;
	if (opt->tick_ns)
		config.tick_ns = opt->tick_ns;
	config.policy = opt->policy ? opt->policy : &sched_rr;
	config.policy_options = opt->policy_options;
	config.memory_max = opt->memory_max;
	config.pids_max = opt->pids_max;
	box_make();
	guest_program("bin/first", first);
	mc = (struct machine_config){.cpus = config.cpus, .tick_ns = config.tick_ns};
	machine = &fake_machine;
	err = machine->init(&mc, &machine_info);
	if (!err)
		err = kernel_run(&config, &status);
	machine->fini();
	nftw(box_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return err ? err : status;
}
