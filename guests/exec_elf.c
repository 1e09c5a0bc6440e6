/*
 * exec_elf.c - execve(2) of odd and broken ELF files: each is the same small program with one thing
 * changed.  What Linux answers, and whether that is before or after its point of no return, is the
 * measure.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE	  0x10000000UL
#define CODE	  0x1000 /* file offset of the code, one page */
#define DATA	  0x2000 /* file offset of the data, one page, then bss */
#define FILE_SIZE 0x3000

/* exit(data + bss + 40): 42 when data is 2 and bss is clear. */
static const unsigned char code[] = {
    0x8b, 0x3c, 0x25, 0x00, 0x20, 0x00, 0x10, /* mov BASE+0x2000,%edi */
    0x03, 0x3c, 0x25, 0x00, 0x29, 0x00, 0x10, /* add BASE+0x2900,%edi: after the file's part */
    0x03, 0x3c, 0x25, 0x00, 0x40, 0x00, 0x10, /* add BASE+0x4000,%edi: on a page of its own */
    0x83, 0xc7, 0x28,			      /* add $40,%edi */
    0xb8, 0x3c, 0x00, 0x00, 0x00,	      /* mov $60,%eax */
    0x0f, 0x05,				      /* syscall */
};

static struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[8];
	char rest[FILE_SIZE - sizeof(Elf64_Ehdr) - 8 * sizeof(Elf64_Phdr)];
} img;
static size_t file_size;

static void fresh(void)
{
	memset(&img, 0, sizeof(img));
	memcpy(img.eh.e_ident, ELFMAG, SELFMAG);
	img.eh.e_ident[EI_CLASS] = ELFCLASS64;
	img.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	img.eh.e_ident[EI_VERSION] = EV_CURRENT;
	img.eh.e_type = ET_EXEC;
	img.eh.e_machine = EM_X86_64;
	img.eh.e_version = EV_CURRENT;
	img.eh.e_entry = BASE + CODE;
	img.eh.e_phoff = sizeof(Elf64_Ehdr);
	img.eh.e_ehsize = sizeof(Elf64_Ehdr);
	img.eh.e_phentsize = sizeof(Elf64_Phdr);
	img.eh.e_phnum = 2;
	img.ph[0] = (Elf64_Phdr){PT_LOAD,     PF_R | PF_X, CODE,   BASE + CODE,
				 BASE + CODE, 0x1000,	   0x1000, 0x1000};
	img.ph[1] = (Elf64_Phdr){PT_LOAD,     PF_R | PF_W, DATA,   BASE + DATA,
				 BASE + DATA, 0x800,	   0x3000, 0x1000};
	memcpy((char *)&img + CODE, code, sizeof(code));
	/* What lies behind the data in the file must not show. */
	memset((char *)&img + DATA, 0x11, 0x1000);
	((char *)&img)[DATA] = 2;
	((char *)&img)[DATA + 1] = ((char *)&img)[DATA + 2] = ((char *)&img)[DATA + 3] = 0;
	file_size = FILE_SIZE;
}

static void try(const char *what)
{
	int fd = open("prog", O_WRONLY | O_CREAT | O_TRUNC, 0700), status, report[2];
	int err = 0;
	pid_t child;

	if (fd < 0 || write(fd, &img, file_size) != (ssize_t)file_size || pipe2(report, O_CLOEXEC))
		exit(1);
	close(fd);
	fflush(stdout);
	child = fork();
	if (!child) {
		execve("./prog", (char *[]){"prog", NULL}, NULL);
		err = errno;
		if (write(report[1], &err, sizeof(err)) < 0)
			_exit(98);
		_exit(99);
	}
	close(report[1]);
	if (read(report[0], &err, sizeof(err)) < 0)
		exit(1);
	close(report[0]);
	waitpid(child, &status, 0);
	unlink("prog");
	if (err)
		printf("%-36s %s\n", what, strerrorname_np(err));
	else if (WIFSIGNALED(status))
		printf("%-36s signal %d\n", what, WTERMSIG(status));
	else
		printf("%-36s exit %d\n", what, WEXITSTATUS(status));
}

#define TRY(what, change)                                                                          \
	do {                                                                                       \
		fresh();                                                                           \
		change;                                                                            \
		try(what);                                                                         \
	} while (0)

static void header(void)
{
	TRY("as it should be", );
	TRY("empty", file_size = 0);
	TRY("one byte", file_size = 1);
	TRY("half a header", file_size = 32);
	TRY("header only", file_size = 64);
	TRY("headers cut", file_size = 64 + 60);
	TRY("no data in the file", file_size = DATA);
	TRY("no code in the file", file_size = CODE);
	TRY("magic", img.eh.e_ident[0] = 0);
	TRY("machine", img.eh.e_machine = EM_AARCH64);
	TRY("relocatable", img.eh.e_type = ET_REL);
	TRY("core", img.eh.e_type = ET_CORE);
	TRY("version ignored", img.eh.e_version = 99);
	TRY("phentsize 0", img.eh.e_phentsize = 0);
	TRY("phentsize 57", img.eh.e_phentsize = 57);
	TRY("phnum 0", img.eh.e_phnum = 0);
	TRY("phnum 1170, cut", img.eh.e_phnum = 1170);
	TRY("phnum 1171", img.eh.e_phnum = 1171);
	TRY("phnum 65535", img.eh.e_phnum = 65535);
	TRY("phoff 0", img.eh.e_phoff = 0);
	TRY("phoff beyond", img.eh.e_phoff = FILE_SIZE + 1);
	TRY("phoff huge", img.eh.e_phoff = -8UL);
	TRY("phoff negative", img.eh.e_phoff = 1UL << 63);
	TRY("entry 0", img.eh.e_entry = 0);
	TRY("entry unmapped", img.eh.e_entry = BASE + 0x100000);
	TRY("entry in the kernel", img.eh.e_entry = 0xffff800000001000UL);
	TRY("entry not canonical", img.eh.e_entry = 1UL << 60);
	TRY("entry in data", img.eh.e_entry = BASE + DATA);
}

static void segments(void)
{
	TRY("no segments", img.ph[0].p_type = img.ph[1].p_type = PT_NULL);
	TRY("only code", img.ph[1].p_type = PT_NULL);
	TRY("offset misfit", img.ph[0].p_offset = CODE + 8);
	TRY("vaddr misfit", img.ph[1].p_vaddr = BASE + DATA + 4);
	TRY("memsz below filesz", img.ph[1].p_memsz = 0x10);
	TRY("memsz huge", img.ph[1].p_memsz = 1UL << 60);
	TRY("memsz 1 TiB", img.ph[1].p_memsz = 1UL << 47);
	TRY("memsz wraps", img.ph[1].p_memsz = -0x1000UL);
	TRY("filesz beyond file", img.ph[1].p_filesz = 0x2000; img.ph[1].p_memsz = 0x3000);
	TRY("filesz huge", img.ph[1].p_filesz = img.ph[1].p_memsz = 1UL << 62);
	TRY("offset huge", img.ph[1].p_offset = 0x7ffffffffffff000UL);
	TRY("offset negative", img.ph[1].p_offset = 0xfffffffffffff000UL);
	TRY("vaddr in the kernel", img.ph[1].p_vaddr = 0xffff800000000000UL);
	TRY("vaddr at the top", img.ph[1].p_vaddr = 0x7ffffffff000UL);
	TRY("vaddr 0", img.ph[0].p_vaddr = 0; img.ph[1].p_type = PT_NULL);
	TRY("segments swapped", Elf64_Phdr ph = img.ph[0]; img.ph[0] = img.ph[1]; img.ph[1] = ph);
	TRY("data over code", img.ph[1].p_vaddr = BASE + CODE);
	TRY("code over data", img.ph[0].p_vaddr = BASE + DATA);
	TRY("the same twice", img.ph[2] = img.ph[1]; img.eh.e_phnum = 3);
	TRY("no filesz", img.ph[1].p_filesz = 0);
	TRY("nothing at all", img.ph[1].p_filesz = img.ph[1].p_memsz = 0);
	TRY("read-only bss", img.ph[1].p_flags = PF_R);
	TRY("no permissions", img.ph[1].p_flags = 0);
	TRY("code not executable", img.ph[0].p_flags = PF_R);
	TRY("code only executable", img.ph[0].p_flags = PF_X);
	TRY("align 3", img.ph[0].p_align = 3);
	TRY("align huge", img.ph[0].p_align = 1UL << 62);
	TRY("two megabytes of alignment", img.ph[0].p_align = 2UL << 20);
}

static void others(void)
{
	char *name = (char *)&img + CODE + 0x800;

	TRY("dyn without relocation", img.eh.e_type = ET_DYN);
	TRY("dyn, align huge", img.eh.e_type = ET_DYN; img.ph[0].p_align = 1UL << 62);
	TRY("dyn, align 1 GiB", img.eh.e_type = ET_DYN; img.ph[0].p_align = 1UL << 30);
	TRY("dyn, entry wraps", img.eh.e_type = ET_DYN; img.eh.e_entry = -0x1000UL);
	TRY("unknown segment types", img.ph[2].p_type = 0x12345; img.ph[2].p_memsz = -1UL;
	    img.ph[3].p_type = PT_NOTE; img.ph[3].p_filesz = -1UL; img.eh.e_phnum = 4);
	TRY("executable stack", img.ph[2].p_type = PT_GNU_STACK;
	    img.ph[2].p_flags = PF_R | PF_W | PF_X; img.eh.e_phnum = 3);
#define INTERP(n)                                                                                  \
	img.ph[2] = (Elf64_Phdr){PT_INTERP, PF_R, CODE + 0x800, 0, 0, (n), (n), 1};                \
	img.eh.e_phnum = 3
	TRY("interp empty", INTERP(1));
	TRY("interp of no length", INTERP(0));
	TRY("interp too long", INTERP(5000));
	TRY("interp not ended", strcpy(name, "/bin/true"); INTERP(5));
	TRY("interp missing", strcpy(name, "/missing"); INTERP(9));
	TRY("interp beyond the file", INTERP(9); img.ph[2].p_offset = FILE_SIZE);
	TRY("interp offset negative", INTERP(9); img.ph[2].p_offset = -4096UL);
	TRY("interp a directory", strcpy(name, "/tmp"); INTERP(5));
	TRY("interp not ELF", strcpy(name, "/etc/passwd"); INTERP(12));
	TRY("interp itself", strcpy(name, "./prog"); INTERP(7));
	TRY("interp a device", strcpy(name, "/dev/null"); INTERP(10));
}

/* Random changes to the headers, always the same ones. */
static void noise(void)
{
	unsigned long seed = 12345, early = 0;

	for (int i = 0; i < 300; i++) {
		int fd, status;
		pid_t child;

		fresh();
		for (int n = 0; n < 3; n++) {
			seed = seed * 6364136223846793005UL + 1442695040888963407UL;
			((unsigned char *)&img)[(seed >> 33) % (64 + 112)] = seed >> 50;
		}
		fd = open("prog", O_WRONLY | O_CREAT | O_TRUNC, 0700);
		if (fd < 0 || write(fd, &img, file_size) != (ssize_t)file_size)
			exit(1);
		close(fd);
		child = fork();
		if (!child) {
			alarm(5);
			execve("./prog", (char *[]){"prog", NULL}, NULL);
			_exit(99);
		}
		waitpid(child, &status, 0);
		early += WIFEXITED(status) && WEXITSTATUS(status) == 99;
		unlink("prog");
	}
	printf("noise: %lu of 300 refused before the point of no return\n", early);
}

int main(void)
{
	header();
	segments();
	others();
	noise();
	return 0;
}
