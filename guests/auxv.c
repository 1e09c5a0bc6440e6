/*
 * auxv.c - what the kernel leaves on a new program's stack: the auxiliary vector (getauxval(3)).
 */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

extern char **environ;

static const ElfW(auxv_t) * find(unsigned long type)
{
	char **e = environ;
	const ElfW(auxv_t) * a;

	while (*e)
		e++;
	for (a = (const void *)(e + 1); a->a_type != AT_NULL; a++)
		if (a->a_type == type)
			return a;
	return NULL;
}

static unsigned long value(unsigned long type)
{
	return find(type) ? find(type)->a_un.a_val : 0;
}

int main(int argc, char **argv)
{
	const unsigned char *random = (void *)value(AT_RANDOM);
	const ElfW(Phdr) *ph = (void *)value(AT_PHDR);
	const char *name = (const char *)value(AT_EXECFN), *vdso;
	int zeros = 0, loads = 0;

	printf("page size %lu\n", value(AT_PAGESZ));
	printf("clock ticks %lu\n", value(AT_CLKTCK));
	printf("platform %s\n", (const char *)value(AT_PLATFORM));
	printf("secure %d %lu\n", find(AT_SECURE) != NULL, value(AT_SECURE));
	printf("flags %lu\n", value(AT_FLAGS));
	printf("ids %d\n", value(AT_UID) == getuid() && value(AT_EUID) == geteuid() &&
			       value(AT_GID) == getgid() && value(AT_EGID) == getegid());
	printf("entry %d\n", value(AT_ENTRY) != 0);
	printf("base when dynamic %d\n",
	       (value(AT_BASE) != 0) == (find(AT_BASE) != NULL && value(AT_BASE) != 0));
	printf("phent %lu\n", value(AT_PHENT));
	for (unsigned long i = 0; i < value(AT_PHNUM); i++)
		loads += ph[i].p_type == PT_LOAD;
	printf("segments %d\n", loads > 0);
	printf("hwcap %d hwcap2 %d\n", value(AT_HWCAP) != 0, find(AT_HWCAP2) != NULL);
	printf("minimal signal stack %d\n", value(AT_MINSIGSTKSZ) >= 1024);
	for (int i = 0; i < 16; i++)
		zeros += random[i] == 0;
	printf("random %d\n", zeros < 8);
	printf("name is argv[0] %d\n", !strcmp(name, argv[0]));
	vdso = (const char *)value(AT_SYSINFO_EHDR);
	printf("vdso %d\n", vdso && !memcmp(vdso, ELFMAG, SELFMAG));
	printf("aligned %d\n", ((unsigned long)(argv - 1) & 15) == 0);
	printf("order %d\n", argv[argc] == NULL && (void *)environ == (void *)(argv + argc + 1));
	printf("strings in order %d\n", argv[0] < environ[0] && environ[0] < name);
	return 0;
}
