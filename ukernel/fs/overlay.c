#include "fs/inode.h"
const struct fs_type fs_overlay = {.name = "overlay"};
const struct fs_type fs_tmpfs = {.name = "tmpfs"};
