/*
 * stdfile.h - the host's standard input, output and error as the guest's descriptors 0 to 2.
 */
#ifndef FS_STDFILE_H
#define FS_STDFILE_H

#include "fs/file.h"

#include <sys/types.h>

/* Give t the descriptors 0, 1 and 2 that the supervisor was started with; one that the host had
 * closed stays closed.  0 or -ENOMEM. */
int stdfiles_install(struct task *t);

/* Put the terminal back as it was found.  Harmless when nothing was changed; safe in a signal
 * handler. */
void stdfiles_restore(void);

/* The guest's foreground process group on the host's terminal, for ^C and ^Z; 0: none known. */
pid_t stdfiles_foreground(void);

/* The controlling terminal of t (/dev/tty): sets f's ops and priv.  -ENXIO without one. */
int stdfiles_open_tty(struct task *t, struct file *f);
#endif
