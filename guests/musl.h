/*
 * musl.h - what the guests use of glibc and musl lacks; included first in every musl build.
 */
#include <errno.h>
#include <stddef.h>

/* It would stair-step the list. */
/* clang-format off */
#define MUSL_ERRORS(X) \
	X(EPERM) X(ENOENT) X(ESRCH) X(EINTR) X(EIO) X(ENXIO) X(E2BIG) X(ENOEXEC) X(EBADF) \
	X(ECHILD) X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) X(ENOTBLK) X(EBUSY) X(EEXIST) \
	X(EXDEV) X(ENODEV) X(ENOTDIR) X(EISDIR) X(EINVAL) X(ENFILE) X(EMFILE) X(ENOTTY) \
	X(ETXTBSY) X(EFBIG) X(ENOSPC) X(ESPIPE) X(EROFS) X(EMLINK) X(EPIPE) X(EDOM) \
	X(ERANGE) X(EDEADLK) X(ENAMETOOLONG) X(ENOLCK) X(ENOSYS) X(ENOTEMPTY) X(ELOOP) \
	X(ENODATA) X(ETIME) X(EOVERFLOW) X(ENOTSOCK) X(EDESTADDRREQ) X(EMSGSIZE) \
	X(EPROTOTYPE) X(ENOPROTOOPT) X(EPROTONOSUPPORT) X(EOPNOTSUPP) X(EAFNOSUPPORT) \
	X(EADDRINUSE) X(ECONNABORTED) X(ECONNRESET) X(ENOBUFS) X(EISCONN) X(ENOTCONN) \
	X(ETIMEDOUT) X(ECONNREFUSED) X(EALREADY) X(EINPROGRESS) X(ESTALE) X(EDQUOT) \
	X(ECANCELED) X(EOWNERDEAD) X(ENOTRECOVERABLE)
/* clang-format on */

static inline const char *strerrorname_np(int error)
{
	switch (error) {
	case 0:
		return "0";
#define X(name)                                                                                    \
	case name:                                                                                 \
		return #name;
		MUSL_ERRORS(X)
#undef X
	}
	return "another error";
}

#define sigabbrev_np musl_sigabbrev_np
static inline const char *musl_sigabbrev_np(int sig)
{
	static const char *const names[] = {
	    "",	      "HUP",  "INT",	"QUIT", "ILL",	 "TRAP", "ABRT", "BUS",
	    "FPE",    "KILL", "USR1",	"SEGV", "USR2",	 "PIPE", "ALRM", "TERM",
	    "STKFLT", "CHLD", "CONT",	"STOP", "TSTP",	 "TTIN", "TTOU", "URG",
	    "XCPU",   "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR",	 "SYS"};

	return sig > 0 && sig < 32 ? names[sig] : NULL;
}
