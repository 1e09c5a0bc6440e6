/*
 * ehframe.h - do a program's own unwind tables know a place as a signal handler's way back?
 */
#ifndef SANDBOX_EHFRAME_H
#define SANDBOX_EHFRAME_H

#include <stdbool.h>
#include <stdint.h>

/* Does the ELF file's .eh_frame_hdr lead to an entry that covers [from, to), offsets in the file,
 * as the frame of a signal?  False where anything in it is unusual. */
bool ehframe_signal(int fd, uint64_t from, uint64_t to);

#endif
