#!/usr/bin/env python3
"""The host's standard input, output and error as the guest sees them: files, pipes, terminals.

usage: stdfiles.py [CHECK...]
"""
import fcntl
import hashlib
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import lib

BACKEND = lib.BACKENDS[-1]


def box(*argv):
    return [lib.UKERNEL, "run", "--backend", BACKEND, "--", *argv]


def shell(script, **kw):
    """Run a host shell script in which $BOX starts a program in the box."""
    env = lib.environment(BOX=" ".join(box()))
    return subprocess.run(["/bin/sh", "-c", script], env=env, timeout=30, capture_output=True, **kw)


def files(checks):
    """A regular file's position is the host's: shared with whoever opened it."""
    d = lib.scratch("ukernel-std.")
    os.chdir(d)
    got = shell("echo one >log; $BOX sh -c 'echo two; echo three >&2' >>log 2>&1; echo four >>log; cat log")
    checks.check("files/append", got.stdout == b"one\ntwo\nthree\nfour\n", got.stdout, got.stderr)
    got = shell("(echo one; $BOX echo two; echo three) >log; cat log")
    checks.check("files/position out", got.stdout == b"one\ntwo\nthree\n", got.stdout, got.stderr)
    got = shell("printf '1234567890' >in; ($BOX head -c 3; echo; cat) <in")
    checks.check("files/position in", got.stdout == b"123\n4567890", got.stdout, got.stderr)
    got = shell("echo old content >f; $BOX sh -c 'echo new >/dev/stdout' >>f; cat f")
    checks.check("files/opened again", got.stdout in (b"new\n", b"old content\nnew\n"), got.stdout)
    got = shell("echo x >ro; $BOX sh -c 'echo y >/proc/self/fd/0' <ro; cat ro")
    checks.check("files/no more rights than passed in", got.stdout == b"x\n", got.stdout)
    got = shell("$BOX stat -L -c %F /dev/stdin </dev/null; $BOX stat -L -c %F /dev/stdin <in; "
                "echo | $BOX stat -L -c %F /dev/stdin")
    checks.check("files/kinds", got.stdout == b"character special file\nregular file\nfifo\n",
                 got.stdout, got.stderr)
    os.chdir("/")
    lib.remove(d)


def pipes(checks):
    data = os.urandom(1 << 20) * 8
    got = subprocess.run(box("cat"), input=data, stdout=subprocess.PIPE, timeout=60)
    checks.check("pipes/stream", hashlib.md5(got.stdout).digest() == hashlib.md5(data).digest())
    got = shell("$BOX yes | head -n 2; (sleep 0.2; echo late) | $BOX cat")
    checks.check("pipes/broken and late", got.stdout == b"y\ny\nlate\n", got.stdout)
    proc = subprocess.Popen(box("yes"), stdout=subprocess.PIPE)
    proc.stdout.read(10)
    proc.stdout.close()
    checks.check("pipes/SIGPIPE", proc.wait(20) in (-signal.SIGPIPE, 141), proc.returncode)
    # The other end sees the guest's close, not ours.
    proc = subprocess.Popen(box("sh", "-c", "exec >&-; exec sleep 5"), stdout=subprocess.PIPE)
    began = time.monotonic()
    proc.stdout.read()
    checks.check("pipes/closed early", time.monotonic() - began < 4)
    proc.kill()
    proc.wait()
    r, w = os.pipe()
    subprocess.run(box("sh", "-c", "cat; true"), stdin=subprocess.DEVNULL, stdout=w, timeout=20)
    shared = fcntl.fcntl(w, fcntl.F_GETFL) & os.O_NONBLOCK
    checks.check("pipes/flags of the caller are left alone", shared == 0)
    os.close(r)
    os.close(w)


def closed(checks):
    got = shell("$BOX cat <&-")
    checks.check("closed/input", b"Bad file descriptor" in got.stderr, got.stderr)
    got = shell("$BOX sh -c 'echo x' >&-")
    checks.check("closed/output", got.returncode != 0, got.stderr)
    r, w = os.pipe()
    got = subprocess.run(box("ls", "/proc/self/fd"), stdout=subprocess.PIPE, pass_fds=(w,), timeout=20)
    checks.check("closed/nothing else is passed in", got.stdout == b"0\n1\n2\n3\n", got.stdout)
    os.close(r)
    os.close(w)


class Terminal:
    """A program in the box on a new terminal of 24 by 80."""

    def __init__(self, *argv):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="> ")
            os.execv(lib.UKERNEL, box(*argv))
        self.resize(24, 80)

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, text, seconds=15):
        """Wait for text in the output since the last match."""
        end = time.monotonic() + seconds
        while text.encode() not in self.text:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return False
            try:
                more = os.read(self.fd, 4096)
            except OSError:
                more = b""
            if not more:
                return False
            self.text += more
        self.text = self.text.split(text.encode(), 1)[1]
        return True

    def settings(self):
        return termios.tcgetattr(self.fd)[3]

    def end(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def terminal(checks):
    t = Terminal("sh", "-c", "test -t 0 && test -t 1 && test -t 2 && echo all three; stty size; "
                 "echo by name >/dev/tty; read x; echo \"got $x\"; exec cat")
    checks.check("terminal/isatty", t.expect("all three"), t.text)
    checks.check("terminal/size", t.expect("24 80"), t.text)
    checks.check("terminal/dev tty", t.expect("by name"), t.text)
    t.send("a lineX\x7f\n")
    checks.check("terminal/line editing", t.expect("got a line\r"), t.text)
    # Not before cat runs: dash loses what comes while it starts another program.
    t.send("more\n")
    t.expect("more\r\nmore\r\n")
    t.send("\x03")
    status = os.waitpid(t.pid, 0)[1]
    checks.check("terminal/interrupt", os.waitstatus_to_exitcode(status) in (130, -2), status)
    os.close(t.fd)


def settings(checks):
    t = Terminal("sh", "-c", "stty -icanon -echo min 1; echo raw; dd bs=1 count=1 2>/dev/null; "
                 "echo; echo done; sleep 0.3")
    t.expect("raw")
    checks.check("settings/passed on", not t.settings() & (termios.ECHO | termios.ICANON))
    t.send("k")
    checks.check("settings/one key", t.expect("k") and t.expect("done"), t.text)
    t.expect("never", 2)  # until it has ended
    checks.check("settings/put back", t.settings() & termios.ECHO and t.settings() & termios.ICANON)
    t.end()


def window(checks):
    t = Terminal("bash", "-c", "trap 'stty size' WINCH; echo ready; for i in 1 2 3 4 5 6 7 8 9 10; "
                 "do sleep 0.3; done")
    t.expect("ready")
    t.resize(30, 100)
    checks.check("window/SIGWINCH", t.expect("30 100"), t.text)
    t.end()


def main():
    checks = lib.Checks(sys.argv[1:])
    for part in (files, pipes, closed, terminal, settings, window):
        if checks.wanted(part.__name__):
            part(checks)
    checks.end()


if __name__ == "__main__":
    main()
