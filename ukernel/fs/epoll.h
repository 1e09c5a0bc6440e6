/*
 * epoll.h - what the file layer must tell epoll.
 */
#ifndef FS_EPOLL_H
#define FS_EPOLL_H

struct file;

/* The last reference to f is going: forget every interest in it (f->epoll_links).  Called by
 * file_put before the release op. */
void epoll_file_gone(struct file *f);
#endif
