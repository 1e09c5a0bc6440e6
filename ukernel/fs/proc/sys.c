/*
 * sys.c - /proc/sys: the settings that programs look up.
 *
 * Most are facts of this kernel and cannot be changed; a store that would change nothing that we
 * keep is refused, not swallowed.
 */
#include "fs/proc/proc.h"

#include "fs/inotify.h"
#include "fs/lease.h"
#include "fs/pipe.h"
#include "fs/random.h"
#include "ipc/ipc.h"
#include "kern/cred.h"
#include "kern/uts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- rows with a number --- */

static int show_arg(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%lu\n", (unsigned long)n->entry->arg);
	return 0;
}

static int show_setting(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%lu\n", (unsigned long)*n->entry->setting->value);
	return 0;
}

static ssize_t store_setting(const struct proc_node *n, char *text, size_t len)
{
	struct proc_setting *set = n->entry->setting;
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || (*end && *end != '\n') || value < set->min || value > set->max)
		return -EINVAL;
	*set->value = value;
	return len;
}

#define SETTING(name, variable, lo, hi)                                                            \
	{                                                                                          \
		name, S_IFREG | 0644, .show = show_setting, .store = store_setting,                \
				      .setting = &(struct proc_setting)                            \
		{                                                                                  \
			&(variable), (lo), (hi)                                                    \
		}                                                                                  \
	}
#define NUMBER(name, value)                                                                        \
	{                                                                                          \
		name, S_IFREG | 0444, .show = show_arg, .arg = (value)                             \
	}

/* --- uts --- */

static int show_uts(struct seq *s, const struct proc_node *n)
{
	const struct abi_utsname *uts = uts_names();

	switch (n->entry->arg) {
	case 'h':
		seq_printf(s, "%s\n", uts->nodename);
		break;
	case 'd':
		seq_printf(s, "%s\n", uts->domainname);
		break;
	case 't':
		seq_printf(s, "%s\n", uts->sysname);
		break;
	case 'r':
		seq_printf(s, "%s\n", uts->release);
		break;
	default:
		seq_printf(s, "%s\n", uts->version);
	}
	return 0;
}

static ssize_t store_uts(const struct proc_node *n, char *text, size_t len)
{
	text[strcspn(text, "\n")] = '\0';
	uts_set_name(n->entry->arg == 'd', text);
	return len;
}

/* --- random --- */

static void show_uuid_of(struct seq *s, unsigned char b[16])
{
	b[6] = (b[6] & 0x0f) | 0x40; /* RFC 4122: version 4, variant 1 */
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++)
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
	seq_puts(s, "\n");
}

static int show_uuid(struct seq *s, const struct proc_node *n)
{
	unsigned char b[16];
	int err = random_bytes(b, sizeof(b));

	if (!err)
		show_uuid_of(s, b);
	return err;
}

/* The same for the life of this kernel. */
static int show_boot_id(struct seq *s, const struct proc_node *n)
{
	static unsigned char id[16];
	static bool made;
	int err = made ? 0 : random_bytes(id, sizeof(id));

	if (err)
		return err;
	made = true;
	show_uuid_of(s, id);
	return 0;
}

/* --- System V IPC --- */

static int show_sem(struct seq *s, const struct proc_node *n)
{
	const struct sem_limits *l = &sem_limits;

	seq_printf(s, "%lu\t%lu\t%lu\t%lu\n", (unsigned long)l->per_set, (unsigned long)l->all,
		   (unsigned long)l->per_call, (unsigned long)l->ids);
	return 0;
}

static ssize_t store_sem(const struct proc_node *n, char *text, size_t len)
{
	struct sem_limits *l = &sem_limits;
	uint64_t *const field[] = {&l->per_set, &l->all, &l->per_call, &l->ids};
	/* Not more for one set than a signed 16-bit index reaches, nor for one call than we copy.
	 */
	static const uint64_t max[] = {65536, INT32_MAX, 32000, 32768};

	for (unsigned i = 0; i < 4; i++) {
		char *end;
		uint64_t value = strtoull(text, &end, 10);

		if (end == text)
			return i && !text[strspn(text, " \t\n")] ? (ssize_t)len : -EINVAL;
		if (value > max[i])
			return -EINVAL;
		*field[i] = value;
		text = end;
	}
	return (ssize_t)len;
}

static int show_next_id(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%d\n", *ipc_next_id((int)n->entry->arg));
	return 0;
}

static ssize_t store_next_id(const struct proc_node *n, char *text, size_t len)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || value < 0 || value > INT32_MAX)
		return -EINVAL;
	*ipc_next_id((int)n->entry->arg) = (int)value;
	return (ssize_t)len;
}

#define NEXT_ID(name, which)                                                                       \
	{                                                                                          \
		name, S_IFREG | 0644, .show = show_next_id, .store = store_next_id, .arg = (which) \
	}

/* --- the rest --- */

static int show_threads_max(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%u\n", pids_max ? pids_max : PID_LIMIT);
	return 0;
}

static int show_text(struct seq *s, const struct proc_node *n)
{
	seq_printf(s, "%s\n", (const char *)(uintptr_t)n->entry->arg);
	return 0;
}

#define TEXT(name, value)                                                                          \
	{                                                                                          \
		name, S_IFREG | 0444, .show = show_text, .arg = (uintptr_t)(value)                 \
	}

static int show_file_nr(struct seq *s, const struct proc_node *n)
{
	seq_puts(s, "0\t0\t9223372036854775807\n");
	return 0;
}

static const struct proc_entry random_entries[] = {
    {"boot_id", S_IFREG | 0444, .show = show_boot_id},
    NUMBER("entropy_avail", 256),
    NUMBER("poolsize", 256),
    {"uuid", S_IFREG | 0444, .show = show_uuid},
};
static const struct proc_dir random_dir = {PROC_DIR(random_entries)};

static const struct proc_entry kernel_entries[] = {
    NUMBER("auto_msgmni", 0),
    NUMBER("cap_last_cap", 40),
    TEXT("core_pattern", "core"),
    NUMBER("core_uses_pid", 0),
    NUMBER("dmesg_restrict", 1),
    {"domainname", S_IFREG | 0644, .show = show_uts, .store = store_uts, .arg = 'd'},
    {"hostname", S_IFREG | 0644, .show = show_uts, .store = store_uts, .arg = 'h'},
    NUMBER("io_uring_disabled", 2),
    NUMBER("kptr_restrict", 1),
    NEXT_ID("msg_next_id", 'm'),
    SETTING("msgmax", msg_max_bytes, 0, INT32_MAX),
    SETTING("msgmnb", msg_queue_bytes, 0, INT32_MAX),
    SETTING("msgmni", msg_max_ids, 0, 32768),
    NUMBER("ngroups_max", NGROUPS_LIMIT),
    {"osrelease", S_IFREG | 0444, .show = show_uts, .arg = 'r'},
    {"ostype", S_IFREG | 0444, .show = show_uts, .arg = 't'},
    NUMBER("overflowgid", 65534),
    NUMBER("overflowuid", 65534),
    NUMBER("perf_event_paranoid", 4),
    NUMBER("pid_max", PID_LIMIT),
    {"random", S_IFDIR | 0555, .dir = &random_dir},
    NUMBER("randomize_va_space", 2),
    {"sem", S_IFREG | 0644, .show = show_sem, .store = store_sem},
    NEXT_ID("sem_next_id", 'e'),
    NEXT_ID("shm_next_id", 's'),
    SETTING("shm_rmid_forced", shm_rmid_forced, 0, 1),
    SETTING("shmall", shm_all_pages, 0, UINT64_MAX),
    SETTING("shmmax", shm_max_bytes, 0, UINT64_MAX),
    SETTING("shmmni", shm_max_ids, 0, 32768),
    NUMBER("tainted", 0),
    {"threads-max", S_IFREG | 0444, .show = show_threads_max},
    {"version", S_IFREG | 0444, .show = show_uts, .arg = 'v'},
};
static const struct proc_dir kernel_dir = {PROC_DIR(kernel_entries)};

static const struct proc_entry vm_entries[] = {
    NUMBER("max_map_count", 65530), NUMBER("mmap_min_addr", 65536), NUMBER("nr_hugepages", 0),
    NUMBER("overcommit_memory", 0), NUMBER("overcommit_ratio", 50), NUMBER("swappiness", 60),
};
static const struct proc_dir vm_dir = {PROC_DIR(vm_entries)};

static const struct proc_entry epoll_entries[] = {
    NUMBER("max_user_watches", 1000000),
};
static const struct proc_dir epoll_dir = {PROC_DIR(epoll_entries)};

static const struct proc_entry inotify_entries[] = {
    SETTING("max_queued_events", inotify_events_max, 0, INT32_MAX),
    SETTING("max_user_instances", inotify_instances_max, 0, INT32_MAX),
    SETTING("max_user_watches", inotify_watches_max, 0, INT32_MAX),
};
static const struct proc_dir inotify_dir = {PROC_DIR(inotify_entries)};

static const struct proc_entry mqueue_entries[] = {
    SETTING("msg_default", mq_msg_default, 1, 65536),
    SETTING("msg_max", mq_msg_max, 1, 65536),
    SETTING("msgsize_default", mq_size_default, 128, 16 << 20),
    SETTING("msgsize_max", mq_size_max, 128, 16 << 20),
    SETTING("queues_max", mq_queues_max, 0, INT32_MAX),
};
static const struct proc_dir mqueue_dir = {PROC_DIR(mqueue_entries)};

static const struct proc_entry fs_entries[] = {
    {"epoll", S_IFDIR | 0555, .dir = &epoll_dir},
    TEXT("file-max", "9223372036854775807"),
    {"file-nr", S_IFREG | 0444, .show = show_file_nr},
    {"inotify", S_IFDIR | 0555, .dir = &inotify_dir},
    SETTING("lease-break-time", lease_break_seconds, 0, INT32_MAX),
    {"mqueue", S_IFDIR | 0555, .dir = &mqueue_dir},
    NUMBER("nr_open", 1048576),
    SETTING("pipe-max-size", pipe_size_max, PAGE_SIZE, 1u << 31),
    NUMBER("pipe-user-pages-hard", 0),
    NUMBER("pipe-user-pages-soft", PIPE_PAGES_SOFT),
    NUMBER("protected_hardlinks", 0),
    NUMBER("protected_symlinks", 0),
    NUMBER("suid_dumpable", 0),
};
static const struct proc_dir fs_dir = {PROC_DIR(fs_entries)};

static const struct proc_entry core_entries[] = {
    NUMBER("rmem_default", 212992), NUMBER("rmem_max", 212992), NUMBER("somaxconn", 4096),
    NUMBER("wmem_default", 212992), NUMBER("wmem_max", 212992),
};
static const struct proc_dir core_dir = {PROC_DIR(core_entries)};

static const struct proc_entry net_entries[] = {
    {"core", S_IFDIR | 0555, .dir = &core_dir},
};
static const struct proc_dir net_dir = {PROC_DIR(net_entries)};

static const struct proc_entry sys_entries[] = {
    {"fs", S_IFDIR | 0555, .dir = &fs_dir},
    {"kernel", S_IFDIR | 0555, .dir = &kernel_dir},
    {"net", S_IFDIR | 0555, .dir = &net_dir},
    {"vm", S_IFDIR | 0555, .dir = &vm_dir},
};
const struct proc_dir proc_sys_dir = {PROC_DIR(sys_entries)};
