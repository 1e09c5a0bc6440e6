/*
 * boot.h - the mounts that the first process sees.
 */
#ifndef FS_BOOT_H
#define FS_BOOT_H

struct boot_config;
struct task;

/* Mount everything.  root_path is valid afterwards.  0, or -errno after a line on stderr. */
int vfs_boot(const struct boot_config *config);

/* Move t, the first process, to the working directory that config asks for (the host's own if
 * it is visible, else /).  0, or -errno after a line on stderr. */
int vfs_boot_workdir(struct task *t, const struct boot_config *config);
#endif
