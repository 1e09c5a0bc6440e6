/*
 * policy.h - all that a scheduling policy has to know, and all that it is compiled against.
 *
 * The same object code decides in the kernel (real programs on virtual CPUs), in the simulator
 * (virtual time) and from a shared object given to --sched.  So this header includes nothing of
 * the kernel, and a policy calls nothing but what comes to it through struct runq.
 *
 * In short.  The core knows who runs and who sleeps; the policy only holds those who *wait for a
 * CPU*.  The core hands a waiting task over with enqueue() and gets one back with pick() (the
 * policy's choice) or remove() (that very one).  Nobody holds a task twice.  While a task runs,
 * the core tells the policy how long it did (charge) and takes it off when its slice is over, when
 * tick() says so or when a woken task preempts() it.  One queue serves all CPUs: it never has to be
 * balanced; a policy that wants a queue for each CPU keeps them in its own part and looks at
 * se->last_cpu and se->affinity.
 *
 * Rules.  Calls come from one thread: no locks.  An op may not sleep, print, or read a clock:
 * rq->now_ns is the time.  It may not use static variables: its state is rq->priv and se->priv,
 * as several run queues may exist at once.  All memory is zero at first.  Chance comes from
 * rq_random() only, so that a seed repeats a run.
 */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised when a policy has to be compiled anew; the core refuses another. */
#define SCHED_POLICY_ABI 1

#define SCHED_CPUS_MAX	 64
#define SCHED_PRIV_WORDS 24
#define SCHED_FOREVER	 UINT64_MAX /* a slice that never ends; no deadline */

struct runq;
struct sched_entity;
struct sched_policy;

/* --- lists --- */

/* Circular and doubly linked; an entity has one link for them. */
struct sched_list {
	struct sched_list *next, *prev;
};

static inline void sched_list_init(struct sched_list *l)
{
	l->next = l->prev = l;
}

static inline bool sched_list_empty(const struct sched_list *l)
{
	return l->next == l;
}

/* Put n in front of at; with at the list's head: at its end. */
static inline void sched_list_insert(struct sched_list *n, struct sched_list *at)
{
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
}

static inline void sched_list_del(struct sched_list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	sched_list_init(n);
}

/* --- tasks --- */

/* What sched_setscheduler(2) knows, with its numbers. */
enum sched_class {
	SCLASS_OTHER = 0,
	SCLASS_FIFO = 1,
	SCLASS_RR = 2,
	SCLASS_BATCH = 3,
	SCLASS_IDLE = 5,
	SCLASS_DEADLINE = 6,
};

/* A task as a policy sees it.  It may read all and write only link and priv. */
struct sched_entity {
	/* Who. */
	uint64_t id;	  /* never used twice while both live; the kernel's tid */
	const char *name; /* for messages */

	/* What its user asked for.  Changes only between changed() calls. */
	int32_t nice;	      /* -20..19 */
	uint32_t weight;      /* of that nice value, as Linux has them: 0 is 1024, 19 is 15 */
	int32_t class;	      /* enum sched_class */
	int32_t rt_priority;  /* 1..99 with FIFO and RR, else 0; more is more urgent */
	uint64_t dl_runtime;  /* with DEADLINE: so many ns of CPU ... */
	uint64_t dl_deadline; /* ... within so many ns ... */
	uint64_t dl_period;   /* ... once in so many ns; else 0 */
	int32_t latency_nice; /* -20 (wants short waits) .. 19 */
	uint32_t tickets;     /* 0: not given; then take them from weight */
	uint64_t length_ns;   /* CPU time it will need, as declared; 0: not given */
	uint64_t slice_ns;    /* sched_setattr's request: 0 none */
	uint64_t affinity;    /* bit i: it may run on CPU i */

	/* What it is doing. */
	bool queued;		/* the policy holds it */
	int32_t cpu;		/* where it runs, -1 when it does not */
	int32_t last_cpu;	/* where it ran last, -1 for never */
	uint64_t arrival_ns;	/* when it was made */
	uint64_t wait_since_ns; /* queued: since when */
	uint64_t ran_ns;	/* CPU time so far, charged up to the last charge() */
	uint64_t slice_end_ns;	/* running: when its slice is over */

	/* Priority inheritance: the tasks that wait for a lock that this one holds. */
	struct sched_entity *donors;	 /* the first of them ... */
	struct sched_entity *next_donor; /* ... and of a donor, the next one */

	/* The policy's own. */
	struct sched_list link;
	uint64_t priv[SCHED_PRIV_WORDS];
};

static inline struct sched_entity *sched_of_link(struct sched_list *l)
{
	return (struct sched_entity *)((char *)l - offsetof(struct sched_entity, link));
}

static inline bool sched_allowed(const struct sched_entity *se, int cpu)
{
	return se->affinity >> cpu & 1;
}

/* for (se in list) without change of the list meanwhile. */
#define sched_list_for_each(se, list)                                                              \
	for (se = sched_of_link((list)->next); &se->link != (list);                                \
	     se = sched_of_link(se->link.next))

/* The first of list that may run on cpu, taken off it; NULL: none. */
static inline struct sched_entity *sched_list_take(struct sched_list *list, int cpu)
{
	struct sched_entity *se;

	sched_list_for_each(se, list)
	{
		if (sched_allowed(se, cpu)) {
			sched_list_del(&se->link);
			return se;
		}
	}
	return NULL;
}

/* --- the run queue --- */

/* One parameter's value: a number, or as many as the list had. */
#define SCHED_VALUES_MAX 16
struct sched_value {
	unsigned count;
	int64_t v[SCHED_VALUES_MAX];
};

/* What the host of the policy does for it; call them by the functions below. */
struct sched_services {
	uint64_t (*random)(struct runq *rq);
	void (*why)(struct runq *rq, struct sched_entity *se, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
	void (*timer)(struct runq *rq, uint64_t at_ns);
	void (*resched)(struct runq *rq, int cpu);
	void *(*alloc)(size_t size);
	void (*free)(void *mem);
};

/* Read only, but for what priv points to. */
struct runq {
	const struct sched_policy *policy;
	const struct sched_services *services;
	void *priv;			  /* policy->priv_size bytes, zero before init() */
	const struct sched_value *params; /* in the order of policy->params */
	uint64_t now_ns;		  /* CLOCK_MONOTONIC, or virtual */
	uint64_t tick_ns; /* slices that are no shorter end on a tick, the nearest one */
	uint64_t seed;
	int nr_queued, nr_running;
	int cpus;
	bool explain;			  /* somebody listens to rq_why() */
	struct sched_entity *const *curr; /* [cpus]: who runs there; NULL: idle */
};

/* Uniform in 0..2^64-1, a function of the seed and of the number of calls before. */
static inline uint64_t rq_random(struct runq *rq)
{
	return rq->services->random(rq);
}

/* Say why something was decided ("quantum used up, demoted to Q1"): for --why.  se may be NULL.
 * Costs nothing when nobody listens. */
#define rq_why(rq, se, ...)                                                                        \
	do {                                                                                       \
		if (__builtin_expect((rq)->explain, 0))                                            \
			(rq)->services->why(rq, se, __VA_ARGS__);                                  \
	} while (0)

/* Have policy->timer() called at at_ns (once; a later call replaces it, 0 cancels). */
static inline void rq_timer(struct runq *rq, uint64_t at_ns)
{
	rq->services->timer(rq, at_ns);
}

/* Have the task on cpu queued (ENQ_PREEMPTED) soon, and pick() called; an idle CPU picks anyway. */
static inline void rq_resched(struct runq *rq, int cpu)
{
	rq->services->resched(rq, cpu);
}

/* Parameter i of policy->params; of a list, entry n or the last one. */
static inline int64_t rq_param(const struct runq *rq, unsigned i)
{
	return rq->params[i].v[0];
}

static inline int64_t rq_param_at(const struct runq *rq, unsigned i, unsigned n)
{
	const struct sched_value *p = &rq->params[i];

	return p->v[n < p->count ? n : p->count - 1];
}

/* --- the policy --- */

enum sched_param_type {
	PARAM_INT,
	PARAM_TIME, /* ns; written 4ms, 250us, 1s; a bare number is in ms */
	PARAM_BOOL, /* written 0, 1, yes, no; the bare key is 1 */
};

/* --sched NAME:key=value,...  The first one may be written without its key. */
struct policy_param {
	const char *key;
	enum sched_param_type type;
	bool list;	 /* takes up to SCHED_VALUES_MAX values: 10ms/20ms/40ms */
	const char *def; /* as it would be written */
	int64_t min, max;
	const char *help; /* one line */
};

enum sched_enqueue_why {
	ENQ_NEW,       /* never ran */
	ENQ_WAKEUP,    /* slept */
	ENQ_PREEMPTED, /* was taken off before its slice was over */
	ENQ_EXPIRED,   /* its slice is over */
	ENQ_YIELD,     /* asked for it: sched_yield(2) */
	ENQ_CHANGED,   /* was queued, and stays so: nice, class, affinity or donors changed */
};

enum sched_charge_why {
	CHARGE_RUNS,	  /* goes on running */
	CHARGE_PREEMPTED, /* leaves its CPU: enqueue(ENQ_PREEMPTED) follows */
	CHARGE_EXPIRED,	  /* enqueue(ENQ_EXPIRED) follows */
	CHARGE_YIELD,	  /* enqueue(ENQ_YIELD) follows */
	CHARGE_SLEEP,	  /* goes to sleep or is stopped */
	CHARGE_EXIT,	  /* is over */
};

/* What the policy promises; the property tests hold it to them. */
enum sched_policy_flag {
	POLICY_WORK_CONSERVING = 1 << 0,  /* no CPU idles while a task that may run there waits */
	POLICY_PREEMPTIVE = 1 << 1,	  /* takes a CPU from a task that does not let go */
	POLICY_NO_STARVATION = 1 << 2,	  /* every waiting task runs in the end */
	POLICY_HONOURS_NICE = 1 << 3,	  /* CPU time in proportion to weight (or tickets) */
	POLICY_HONOURS_RT = 1 << 4,	  /* FIFO and RR before the others, by rt_priority */
	POLICY_HONOURS_DEADLINE = 1 << 5, /* DEADLINE gets its runtime within its deadline */
	POLICY_INHERITS = 1 << 6,	  /* inherit() bounds priority inversion */
	POLICY_RANDOM = 1 << 7,		  /* uses rq_random() */
	POLICY_NEEDS_LENGTH = 1 << 8,	  /* best with length_ns declared */
	POLICY_FAIR = 1 << 9,		  /* equal tasks get equal CPU time in the long run */
};

/* What is not marked (opt) must be there. */
struct sched_policy {
	uint32_t abi;	     /* SCHED_POLICY_ABI */
	uint32_t flags;	     /* enum sched_policy_flag */
	const char *name;    /* as given to --sched */
	const char *summary; /* one line */
	const char *about;   /* (opt) source of the algorithm, workload it is for, limits */
	const struct policy_param *params; /* (opt) up to one with key NULL */
	size_t priv_size;		   /* of rq->priv */
	size_t task_size; /* of what it keeps in se->priv: at most sizeof(se->priv) */

	/* (opt) rq is filled in.  0, or a negative errno with the reason told by rq_why(). */
	int (*init)(struct runq *rq);
	void (*exit)(struct runq *rq); /* (opt) */

	/* (opt) se is made, by parent (NULL: by nobody), not yet queued; se->priv is zero.
	 * exit: it is gone, and not queued.  */
	void (*task_init)(struct runq *rq, struct sched_entity *se,
			  const struct sched_entity *parent);
	void (*task_exit)(struct runq *rq, struct sched_entity *se);

	/* se waits for a CPU from now on; se->wait_since_ns is set.  With ENQ_NEW and ENQ_WAKEUP
	 * all who run have been charged within the last tick_ns. */
	void (*enqueue)(struct runq *rq, struct sched_entity *se, enum sched_enqueue_why why);
	/* se, which is queued, is to be forgotten until the next enqueue. */
	void (*remove)(struct runq *rq, struct sched_entity *se);
	/* Who runs on the idle CPU cpu next: off the queue, sched_allowed() there.  NULL: nobody
	 * (for the time being: the core asks again after the next event). */
	struct sched_entity *(*pick)(struct runq *rq, int cpu);
	/* se was picked and begins to run: how long may it?  SCHED_FOREVER: until it lets go. */
	uint64_t (*slice_ns)(struct runq *rq, struct sched_entity *se);

	/* (opt) se's slice is over and others wait: another slice, or 0 to take it off.  Without
	 * this op it is taken off. */
	uint64_t (*renew)(struct runq *rq, struct sched_entity *se);
	/* (opt) se ran for ran_ns since the last charge; se->ran_ns has it already. */
	void (*charge)(struct runq *rq, struct sched_entity *se, uint64_t ran_ns,
		       enum sched_charge_why why);
	/* (opt) At a tick, for each running se, just charged: is it to give way? */
	bool (*tick)(struct runq *rq, struct sched_entity *se);
	/* (opt) All CPUs that woken may use are busy: should it run now instead of curr (just
	 * charged)?  Also used to find the least urgent of several curr: it must be an order. */
	bool (*preempts)(struct runq *rq, struct sched_entity *woken, struct sched_entity *curr);

	/* (opt) What the user asked for se has changed; se is not queued (the core has removed it
	 * and will enqueue it with ENQ_CHANGED) but may be running. */
	void (*changed)(struct runq *rq, struct sched_entity *se);
	/* (opt) se asks for DEADLINE with these: 0 or -EBUSY. */
	int (*admit)(struct runq *rq, const struct sched_entity *se, uint64_t runtime,
		     uint64_t deadline, uint64_t period);
	/* (opt) se->donors has changed, or a donor's urgency: se should be as urgent as the most
	 * urgent of itself and its donors.  Not queued, as with changed().  True: se's own urgency
	 * changed, so that whoever se waits for has to be looked at too. */
	bool (*inherit)(struct runq *rq, struct sched_entity *se);
	/* (opt) The time given to rq_timer() has come; who runs was just charged. */
	void (*timer)(struct runq *rq);
};

/* A policy that is a shared object ends with SCHED_POLICY_EXPORT(its struct sched_policy). */
#define SCHED_POLICY_EXPORT(policy)                                                                \
	__attribute__((visibility("default")))                                                     \
	const struct sched_policy *const ukernel_sched_policy = &(policy)

#endif
