/*
 * op_whole.c - whole programs: what users do, timed from `sh -c` to its end.
 *
 * Each makes its material itself, below /tmp, untimed.  One that lacks a program is skipped.
 */
#include "op.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_FILE "log"

/* Each of the words has to be found along PATH. */
static void need(const char *words)
{
	char list[128], *save = NULL;

	snprintf(list, sizeof(list), "%s", words);
	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		const char *path = getenv("PATH");
		bool found = false;

		while (path && *path && !found) {
			char file[512];
			int len = (int)strcspn(path, ":");

			snprintf(file, sizeof(file), "%.*s/%s", len, path, w);
			found = access(file, X_OK) == 0;
			path += len + (path[len] == ':');
		}
		if (!found)
			skip("there is no %s here", w);
	}
}

static FILE *make_file(const char *fmt, int n)
{
	char name[64];

	snprintf(name, sizeof(name), fmt, n);
	FILE *f = fopen(name, "w");
	must(f != NULL, name);
	return f;
}

static void show_log(void)
{
	char text[600];
	int fd = open(LOG_FILE, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	lseek(fd, size > 500 ? size - 500 : 0, SEEK_SET);
	ssize_t n = read(fd, text, sizeof(text));
	if (n > 0)
		fwrite(text, 1, (size_t)n, stderr);
}

/* What a command of sh takes, in ns; its output goes to the log. */
static double shell(const char *command)
{
	uint64_t began = now_ns();
	pid_t pid = vfork();

	if (pid == 0) {
		int fd = open(LOG_FILE, O_CREAT | O_WRONLY | O_TRUNC, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
		_exit(127);
	}
	int status = 1;
	must(pid > 0 && waitpid(pid, &status, 0) == pid, "sh");
	double took = (double)(now_ns() - began);
	if (status != 0) {
		show_log();
		scratch_remove();
		fprintf(stderr, "measure: status %#x from: %s\n", (unsigned)status, command);
		exit(1);
	}
	return took;
}

#define WHOLE(name, prepare, command)                                                              \
	static double name(long n)                                                                 \
	{                                                                                          \
		(void)n;                                                                           \
		return shell(command);                                                             \
	}                                                                                          \
	const struct op op_##name = {                                                              \
	    .start = (prepare), .timed = (name), .stop = scratch_remove, .once = true}

/* --- a C project of twenty files --- */

#define SOURCES	  20
#define FUNCTIONS 30

static void project_prepare(void)
{
	need("make gcc");
	scratch_make();
	FILE *mk = make_file("Makefile", 0);
	fputs("OBJS =", mk);
	for (int i = 0; i < SOURCES; i++) {
		FILE *c = make_file("part%d.c", i);

		fputs("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
		      "#include <unistd.h>\n#include \"all.h\"\n",
		      c);
		for (int k = 0; k < FUNCTIONS; k++)
			fprintf(c,
				"int part%d_%d(int n, const char *s)\n{\n\tchar b[64];\n"
				"\tfor (int i = 0; i < n; i++) {\n\t\tsnprintf(b, sizeof(b), "
				"\"%%s %%d\", s, i);\n\t\tn -= (int)strlen(b) > %d;\n\t}\n"
				"\treturn n + atoi(s);\n}\n",
				i, k, k);
		fclose(c);
		fprintf(mk, " part%d.o", i);
	}
	fputs("\nprog: main.o $(OBJS)\n\tgcc -o $@ $^\n%.o: %.c all.h\n\tgcc -O1 -c $<\n", mk);
	fclose(mk);
	FILE *h = make_file("all.h", 0);
	for (int i = 0; i < SOURCES; i++)
		fprintf(h, "int part%d_0(int n, const char *s);\n", i);
	fclose(h);
	FILE *c = make_file("main.c", 0);
	fputs("#include \"all.h\"\nint main(void)\n{\n\treturn 0", c);
	for (int i = 0; i < SOURCES; i++)
		fprintf(c, " + part%d_0(0, \"0\")", i);
	fputs(";\n}\n", c);
	fclose(c);
}
WHOLE(compile, project_prepare, "make -s -j2 && ./prog");

/* --- git --- */

static void git_prepare(void)
{
	need("git");
	scratch_make();
	must(mkdir("origin", 0700) == 0, "origin");
	for (int i = 0; i < 200; i++) {
		FILE *f = make_file("origin/file%d.txt", i);

		for (int k = 0; k < 100; k++)
			fprintf(f, "line %d of file %d, %d\n", k, i, (i * 31 + k * 17) % 997);
		fclose(f);
	}
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_AUTHOR_NAME", "bench", 1);
	setenv("GIT_AUTHOR_EMAIL", "bench@localhost", 1);
	setenv("GIT_COMMITTER_NAME", "bench", 1);
	setenv("GIT_COMMITTER_EMAIL", "bench@localhost", 1);
	setenv("HOME", "/nonexistent", 1);
	shell("cd origin; git init -q; git add .; git commit -q -m first; for i in 1 2 3 4 5; do "
	      "echo $i >>file$i.txt; git commit -q -a -m \"change $i\"; done");
}
WHOLE(git, git_prepare,
      "git clone -q --no-local origin copy; cd copy; git status --short; git log --stat -n 6");

/* --- sqlite --- */

static void sqlite_prepare(void)
{
	need("sqlite3");
	scratch_make();
	FILE *f = make_file("inserts.sql", 0);
	fputs("PRAGMA journal_mode=WAL;\nCREATE TABLE t(id INTEGER PRIMARY KEY, n INT, s TEXT);\n"
	      "CREATE INDEX by_n ON t(n);\n",
	      f);
	for (int i = 0; i < 100000; i++) {
		if (i % 1000 == 0)
			fputs(i ? "COMMIT; BEGIN;\n" : "BEGIN;\n", f);
		fprintf(f, "INSERT INTO t(n, s) VALUES(%d, 'value %d');\n", i * 7919 % 100003, i);
	}
	fputs("COMMIT;\nSELECT count(*), sum(n) FROM t;\n", f);
	fclose(f);
}
WHOLE(sqlite, sqlite_prepare, "sqlite3 t.db <inserts.sql");

/* --- over the headers --- */

static void include_prepare(void)
{
	need("find grep tar xz");
	scratch_make();
	if (access("/usr/include/stdio.h", R_OK) != 0)
		skip("there is no /usr/include here");
}
WHOLE(find, include_prepare, "find /usr/include -type f -size +1k -name '*.h' >found");
WHOLE(grep, include_prepare, "grep -rl EINVAL /usr/include >found");
WHOLE(tar_xz, include_prepare,
      "tar -C /usr/include -cf - linux | xz -1 >t.tar.xz; mkdir out; xz -dc t.tar.xz | tar -C out "
      "-xf -");

/* --- servers: a request --- */

static pid_t server_pid;

static void server_stop(void)
{
	if (server_pid > 0) {
		kill(server_pid, SIGTERM);
		waitpid(server_pid, NULL, 0);
	}
	scratch_remove();
}

static void server_start(char *const argv[], const char *probe)
{
	server_pid = fork();
	must(server_pid >= 0, "fork");
	if (server_pid == 0) {
		int fd = open("server.log", O_CREAT | O_WRONLY | O_TRUNC, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	for (int i = 0; i < 100; i++) {
		char command[200];

		snprintf(command, sizeof(command), "exec >%s 2>&1; %s", LOG_FILE, probe);
		if (system(command) == 0)
			return;
		usleep(50000);
	}
	server_stop();
	skip("%s does not answer here", argv[0]);
}

static int port(void)
{
	return 20000 + (int)getpid() % 10000;
}

static char redis_command[160];
#define REDIS_REQUESTS (quick ? 5000 : 30000)

static void redis_prepare(void)
{
	char number[16], probe[100];
	char *argv[] = {"redis-server", "--port", number,	  "--bind", "127.0.0.1",
			"--save",	"",	  "--appendonly", "no",	    NULL};

	need("redis-server redis-cli redis-benchmark");
	scratch_make();
	snprintf(number, sizeof(number), "%d", port());
	snprintf(probe, sizeof(probe), "redis-cli -p %d ping | grep -q PONG", port());
	snprintf(redis_command, sizeof(redis_command),
		 "redis-benchmark -p %d -q -c 20 -n %d -t set,get", port(), REDIS_REQUESTS);
	server_start(argv, probe);
}

static double redis(long n)
{
	(void)n;
	return shell(redis_command) / (2.0 * REDIS_REQUESTS);
}
const struct op op_redis = {
    .start = redis_prepare, .timed = redis, .stop = server_stop, .once = true};

static void http_prepare(void)
{
	char conf[] = "nginx.conf", dir[200], probe[100];
	char *argv[] = {"nginx", "-p", dir, "-c", conf, "-e", "errors", NULL};

	need("nginx wrk");
	scratch_make();
	must(getcwd(dir, sizeof(dir)) != NULL, "getcwd");
	FILE *f = make_file("nginx.conf", 0);
	fprintf(f,
		"daemon off; master_process off; pid nginx.pid; error_log errors;\n"
		"events { worker_connections 256; }\n"
		"http { access_log off; server { listen 127.0.0.1:%d; root .; } }\n",
		port());
	fclose(f);
	f = make_file("index.html", 0);
	for (int i = 0; i < 16; i++)
		fputs("sixteen lines of a page that is served from a small file: one kibibyte\n",
		      f);
	fclose(f);
	snprintf(probe, sizeof(probe), "wrk -t1 -c1 -d1s http://127.0.0.1:%d/ | grep -q requests",
		 port());
	server_start(argv, probe);
}

/* wrk says how many it managed in a second. */
static double http(long n)
{
	char command[100], line[200];
	double rate = 0;

	(void)n;
	snprintf(command, sizeof(command), "wrk -t1 -c8 -d%ds http://127.0.0.1:%d/", quick ? 1 : 3,
		 port());
	shell(command);
	FILE *f = fopen(LOG_FILE, "r");
	must(f != NULL, LOG_FILE);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "Requests/sec: %lf", &rate);
		if (strstr(line, "Non-2xx"))
			rate = 0;
	}
	fclose(f);
	must(rate > 0, "wrk");
	return 1e9 / rate;
}
const struct op op_http = {.start = http_prepare, .timed = http, .stop = server_stop, .once = true};
