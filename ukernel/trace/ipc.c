/*
 * ipc.c - the arguments of System V IPC and of message queues: keys, commands, and the structures
 * that a command says are meant.
 */
#include "trace/decode.h"

#include "ipc/abi.h"
#include "mm/uaccess.h"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#define ITEMS_SHOWN 16
#define BYTES_SHOWN 32

typedef unsigned long long ull;

#define N(constant)                                                                                \
	{                                                                                          \
		(uint64_t)(constant), #constant                                                    \
	}
#define TABLE(id, comment, ...)                                                                    \
	static const struct name id##_names[] = {__VA_ARGS__, {0, NULL}};                          \
	static const struct name_table names_##id = {id##_names, 0, comment};

TABLE(get, "IPC_???", N(IPC_CREAT), N(IPC_EXCL), N(SHM_HUGETLB), N(SHM_NORESERVE))
TABLE(shmat, "SHM_???", N(SHM_RDONLY), N(SHM_RND), N(SHM_REMAP), N(SHM_EXEC))
TABLE(msgq, "MSG_???", N(IPC_NOWAIT), N(MSG_NOERROR), N(MSG_EXCEPT), {040000, "MSG_COPY"})
TABLE(semflag, "SEM_???", N(IPC_NOWAIT), N(SEM_UNDO))
TABLE(shmctl, "SHM_???", N(IPC_RMID), N(IPC_SET), N(IPC_STAT), N(IPC_INFO), N(SHM_LOCK),
      N(SHM_UNLOCK), N(SHM_STAT), N(SHM_INFO), {15, "SHM_STAT_ANY"})
TABLE(semctl, "SEM_???", N(IPC_RMID), N(IPC_SET), N(IPC_STAT), N(IPC_INFO), N(GETPID), N(GETVAL),
      N(GETALL), N(GETNCNT), N(GETZCNT), N(SETVAL), N(SETALL), N(SEM_STAT), N(SEM_INFO),
      {20, "SEM_STAT_ANY"})
TABLE(msgctl, "MSG_???", N(IPC_RMID), N(IPC_SET), N(IPC_STAT), N(IPC_INFO), N(MSG_STAT),
      N(MSG_INFO), {13, "MSG_STAT_ANY"})

TABLE(sigev, "SIGEV_???", N(SIGEV_SIGNAL), N(SIGEV_NONE), N(SIGEV_THREAD))
TABLE(kcmp, "KCMP_???", {0, "KCMP_FILE"}, {1, "KCMP_VM"}, {2, "KCMP_FILES"}, {3, "KCMP_FS"},
      {4, "KCMP_SIGHAND"}, {5, "KCMP_IO"}, {6, "KCMP_SYSVSEM"}, {7, "KCMP_EPOLL_TFD"})

static void add_get_flags(struct text *x, unsigned flags)
{
	if (flags & ~0777u) {
		text_add_flags(x, &names_get, flags & ~0777u);
		text_add(x, "|");
	}
	text_add(x, "%#03o", flags & 0777);
}

static void add_perm(struct text *x, const char *kind, const struct abi_ipc_perm *p)
{
	text_add(x, "{%s_perm={uid=%u, gid=%u, mode=%#o, key=%#x, cuid=%u, cgid=%u}", kind, p->uid,
		 p->gid, p->mode, (unsigned)p->key, p->cuid, p->cgid);
}

/* The structure of a STAT or SET command; false: not one, or it cannot be read. */
static bool add_ds(struct text *x, const struct call_view *v, uaddr_t addr, int cmd)
{
	union {
		struct abi_shmid_ds shm;
		struct abi_semid_ds sem;
		struct abi_msqid_ds msg;
	} u;
	size_t size = v->nr == SYS_shmctl   ? sizeof(u.shm)
		      : v->nr == SYS_semctl ? sizeof(u.sem)
					    : sizeof(u.msg);

	if ((cmd != IPC_STAT && cmd != IPC_SET) || copy_from_user(v->task, &u, addr, size))
		return false;
	if (v->nr == SYS_shmctl) {
		add_perm(x, "shm", &u.shm.perm);
		text_add(x, ", shm_segsz=%llu, shm_cpid=%d, shm_lpid=%d, shm_nattch=%llu, ...}",
			 (ull)u.shm.segsz, u.shm.cpid, u.shm.lpid, (ull)u.shm.nattch);
	} else if (v->nr == SYS_semctl) {
		add_perm(x, "sem", &u.sem.perm);
		text_add(x, ", sem_nsems=%llu, ...}", (ull)u.sem.nsems);
	} else {
		add_perm(x, "msg", &u.msg.perm);
		text_add(x, ", msg_qnum=%llu, msg_qbytes=%llu, msg_lspid=%d, msg_lrpid=%d, ...}",
			 (ull)u.msg.qnum, (ull)u.msg.qbytes, u.msg.lspid, u.msg.lrpid);
	}
	return true;
}

static void add_ctl_arg(struct text *x, const struct call_view *v, int i)
{
	int cmd = (int)v->arg[i - 1];

	if (v->nr == SYS_semctl && cmd == SETVAL)
		text_add(x, "%d", (int)v->arg[i]);
	else if ((v->done && v->result < 0) || !add_ds(x, v, v->arg[i], cmd))
		text_add_address(x, v->arg[i]);
}

static void add_sembufs(struct text *x, const struct call_view *v, int i)
{
	struct abi_sembuf s;
	uint64_t n = (unsigned)v->arg[i + 1];

	if (!n || get_user(v->task, s, v->arg[i])) {
		text_add_address(x, v->arg[i]);
		return;
	}
	text_add(x, "[");
	for (uint64_t k = 0; k < n; k++) {
		text_add(x, k ? ", " : "");
		if (k == ITEMS_SHOWN || get_user(v->task, s, v->arg[i] + k * sizeof(s))) {
			text_add(x, "...");
			break;
		}
		text_add(x, "{%u, %d, ", s.num, s.op);
		text_add_flags(x, &names_semflag, (uint16_t)s.flags);
		text_add(x, "}");
	}
	text_add(x, "]");
}

static void add_message(struct text *x, const struct call_view *v, int i, uint64_t len)
{
	size_t shown = len < BYTES_SHOWN ? len : BYTES_SHOWN;
	char bytes[BYTES_SHOWN];
	int64_t type;

	if ((v->done && v->result < 0 && v->nr == SYS_msgrcv) ||
	    get_user(v->task, type, v->arg[i]) ||
	    copy_from_user(v->task, bytes, v->arg[i] + sizeof(type), shown)) {
		text_add_address(x, v->arg[i]);
		return;
	}
	text_add(x, "{%lld, ", (long long)type);
	text_add_quoted(x, bytes, shown, len > shown);
	text_add(x, "}");
}

static void add_mq_attr(struct text *x, const struct call_view *v, int i)
{
	bool out = v->entry->kind[i] == ARG_mqattrout;
	struct abi_mq_attr a;

	if (!v->arg[i] || (out && v->result < 0) || get_user(v->task, a, v->arg[i])) {
		text_add_address(x, v->arg[i]);
		return;
	}
	text_add(x, "{mq_flags=%#llx, mq_maxmsg=%lld, mq_msgsize=%lld, mq_curmsgs=%lld}",
		 (ull)a.flags, (long long)a.maxmsg, (long long)a.msgsize, (long long)a.curmsgs);
}

static void add_sigevent(struct text *x, const struct call_view *v, int i)
{
	struct abi_sigevent e;
	char name[24];

	if (!v->arg[i] || get_user(v->task, e, v->arg[i])) {
		text_add_address(x, v->arg[i]);
		return;
	}
	text_add(x, "{sigev_notify=");
	text_add_choice(x, &names_sigev, (unsigned)e.notify);
	if (e.notify == SIGEV_SIGNAL)
		text_add(x, ", sigev_signo=%s", signal_name(e.signo, name));
	text_add(x, ", sigev_value=%#llx}", (ull)e.value.sival_ptr);
}

bool text_add_ipc_arg(struct text *x, const struct call_view *v, int i)
{
	uint64_t a = v->arg[i];

	switch ((enum arg_kind)v->entry->kind[i]) {
	case ARG_ipckey:
		text_add(x, a ? "%#x" : "IPC_PRIVATE", (unsigned)a);
		break;
	case ARG_ipcget:
		add_get_flags(x, (unsigned)a);
		break;
	case ARG_shmatflags:
		text_add_flags(x, &names_shmat, (unsigned)a);
		break;
	case ARG_msgqflags:
		text_add_flags(x, &names_msgq, (unsigned)a);
		break;
	case ARG_shmctlcmd:
		text_add_choice(x, &names_shmctl, (unsigned)a);
		break;
	case ARG_semctlcmd:
		text_add_choice(x, &names_semctl, (unsigned)a);
		break;
	case ARG_msgctlcmd:
		text_add_choice(x, &names_msgctl, (unsigned)a);
		break;
	case ARG_ipcds:
		add_ctl_arg(x, v, i);
		break;
	case ARG_sembufs:
		add_sembufs(x, v, i);
		break;
	case ARG_mqattr:
	case ARG_mqattrout:
		add_mq_attr(x, v, i);
		break;
	case ARG_sigeventin:
		add_sigevent(x, v, i);
		break;
	case ARG_kcmptype:
		text_add_choice(x, &names_kcmp, (unsigned)a);
		break;
	case ARG_msgbuf:
		add_message(x, v, i, v->arg[i + 1]);
		break;
	case ARG_msgbufout:
		add_message(x, v, i, v->done && v->result >= 0 ? (uint64_t)v->result : 0);
		break;
	default:
		return false;
	}
	return true;
}
