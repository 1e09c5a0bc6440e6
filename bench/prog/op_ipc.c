/*
 * op_ipc.c - one byte there and one back, between processes and between threads.
 */
#include "op.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int mine[2], theirs[2]; /* read end, write end */
static volatile uint32_t *word;

static void answer(void *unused)
{
	char c;

	(void)unused;
	while (read(theirs[0], &c, 1) == 1 && write(theirs[1], &c, 1) == 1)
		;
}

static void ask(long n)
{
	char c = 0;

	while (n--)
		must(write(mine[1], &c, 1) == 1 && read(mine[0], &c, 1) == 1, "round trip");
}

static void pipes_open(void)
{
	int there[2], back[2];

	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	theirs[0] = there[0];
	mine[1] = there[1];
	mine[0] = back[0];
	theirs[1] = back[1];
}

static void sockets_open(void)
{
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	mine[0] = mine[1] = pair[0];
	theirs[0] = theirs[1] = pair[1];
}

/* word[0] says whose turn it is. */
static void pass_turn(uint32_t me, uint32_t other)
{
	while (word[0] != me)
		syscall(SYS_futex, word, FUTEX_WAIT, other, NULL, NULL, 0);
	word[0] = other;
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void turns_answer(void *unused)
{
	(void)unused;
	for (;;)
		pass_turn(1, 0);
}

static void turns_ask(long n)
{
	while (n--)
		pass_turn(0, 1);
	while (word[0] != 0)
		syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL, NULL, 0);
}

static void word_open(void)
{
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(word != MAP_FAILED, "mmap");
}

#define ROUND_TRIP(kind, by, open, answers, asks)                                                  \
	static void kind##_##by##_start(void)                                                      \
	{                                                                                          \
		open();                                                                            \
		partner_##by(answers, NULL);                                                       \
	}                                                                                          \
	const struct op op_##kind##_##by = {                                                       \
	    .start = kind##_##by##_start, .run = (asks), .stop = partner_stop}

ROUND_TRIP(pipe, process, pipes_open, answer, ask);
ROUND_TRIP(pipe, thread, pipes_open, answer, ask);
ROUND_TRIP(unix, process, sockets_open, answer, ask);
ROUND_TRIP(unix, thread, sockets_open, answer, ask);
ROUND_TRIP(futex, process, word_open, turns_answer, turns_ask);
ROUND_TRIP(futex, thread, word_open, turns_answer, turns_ask);

/* On one CPU each round trip is two switches. */
static void switch_start(void)
{
	if (!pin_to(0))
		skip("cannot be bound to a CPU here");
	pipe_process_start();
}

static void switch_pipe(long n)
{
	ask(n / 2);
}
const struct op op_switch_pipe = {
    .start = switch_start, .run = switch_pipe, .stop = partner_stop, .step = 2};
