/*
 * epoll.h - what the file layer must tell epoll.
 */
#ifndef FS_EPOLL_H
#define FS_EPOLL_H

struct file;

/* The last reference to f is going: forget every interest in it (f->epoll_links).  Called by
 * file_put before the release op. */
void epoll_file_gone(struct file *f);

/* The nth file (from 0 on, borrowed) that epoll f watches under the number fd.  -EINVAL: f is no
 * epoll; -ENOENT. */
int epoll_watched(struct file *f, int fd, unsigned n, struct file **out);
#endif
