/*
 * boot.h - the mounts that the first process sees.
 */
#ifndef FS_BOOT_H
#define FS_BOOT_H

struct boot_config;
struct task;

/* Mount everything.  root_path is valid afterwards.  0, or -errno after a line on stderr. */
int vfs_boot(const struct boot_config *config);

/* A view for the first process: root, and the working directory that config asks for (the host's,
 * if it is visible).  0, or -errno after a line on stderr. t->cred must be set. */
int vfs_boot_context(struct task *t, const struct boot_config *config);
#endif
