/*
 * random.h - random bytes.
 */
#ifndef FS_RANDOM_H
#define FS_RANDOM_H

#include "mm/uaccess.h"

#include <stddef.h>
#include <sys/types.h>

/* Fill buf; 0 or -errno of the host. */
int random_bytes(void *buf, size_t len);
/* Fill the transfer (at most 32 MiB - 1, as Linux does). Bytes or -errno. */
ssize_t random_to_uio(struct uio *to);
#endif
