#!/usr/bin/env python3
"""The command line: what it passes on, and what it says when something is wrong.

usage: cli.py [CHECK...]
"""
import json
import os
import stat
import struct
import subprocess
import sys

import lib

BACKEND = lib.BACKENDS[-1]


def ukernel(*args, **kw):
    return lib.run([lib.UKERNEL, *args], **kw)


def run(*args, **kw):
    return lib.run([lib.UKERNEL, "run", *args], **kw)


def one_line(got):
    """Exactly one line of ours, and nothing else, on standard error."""
    return len(got.err.splitlines()) == 1 and got.err.startswith("ukernel")


class Box:
    """A directory for the files of one check."""

    def __init__(self):
        self.dir = lib.scratch("ukernel-cli.")
        os.chmod(self.dir, 0o755)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content, mode=0o644):
        with open(self.path(name), "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(self.path(name), mode)
        return self.path(name)


def vast(elf):
    """An ELF file whose first PT_LOAD wants 1 EiB of memory."""
    (at,) = struct.unpack_from("<Q", elf, 32)
    while struct.unpack_from("<I", elf, at) != (1,):
        at += 56
    return elf[:at + 40] + struct.pack("<Q", 1 << 60) + elf[at + 48:]


def bad_programs(checks, box):
    """Missing: 127.  There, but not to be run: 126.  One line says which and why."""
    elf = open(os.path.join(lib.BUILD, "guests/hello"), "rb").read()
    cases = [
        ("missing", ["/no/such/program"], 127),
        ("missing in PATH", ["no-such-program"], 127),
        ("below a file", ["/etc/passwd/x"], (126, 127)),
        ("not executable", [box.write("plain", "text\n")], 126),
        ("a directory", [box.dir], 126),
        ("an empty file", [box.write("empty", "", 0o755)], 126),
        ("text without #!", [box.write("text", "echo no\n", 0o755)], 126),
        ("no interpreter", [box.write("script", "#!/no/such/shell\n", 0o755)], (126, 127)),
        ("an ELF cut short", [box.write("short", elf[:40], 0o755)], 126),
        ("an ELF cut after its header", [box.write("short2", elf[:64], 0o755)], 126),
        ("a 32-bit ELF", [box.write("elf32", elf[:4] + b"\x01" + elf[5:18] +
                                   b"\x03" + elf[19:], 0o755)], 126),
        ("another machine's ELF", [box.write("arm", elf[:18] + b"\xb7\0" + elf[20:], 0o755)], 126),
        ("an ELF of absurd size", [box.write("vast", vast(elf), 0o755)], 126),
        ("a name that is too long", ["/" + "x" * 5000], (126, 127)),
        ("an empty name", [""], (126, 127)),
    ]
    for what, argv, want in cases:
        got = run("--", *argv)
        good = got.status in (want if isinstance(want, tuple) else (want,)) and one_line(got)
        checks.check(f"cli/program is {what}", good, f"status {got.status}, not {want}", got.err)


def bad_options(checks, box):
    """Our own failures: 125 and one line."""
    cases = [
        ["--no-such-option", "--", "true"], ["--backend", "kvm", "--", "true"], ["--backend"],
        ["--cpus", "0", "--", "true"], ["--cpus", "x", "--", "true"],
        ["--cpus", "100000", "--", "true"], ["--memory", "lots", "--", "true"],
        ["--memory", "-5", "--", "true"], ["--memory", "99999999999999999999G", "--", "true"],
        ["--pids", "-1", "--", "true"], ["--timeout", "soon", "--", "true"],
        ["--root", "/no/such/dir", "--", "true"], ["--root", "/etc/passwd", "--", "true"],
        ["--bind", "/no/such/file", "--", "true"], ["--rw", "/no/such/dir", "--", "true"],
        ["--bind", "/etc:relative", "--", "true"], ["--bind", "/etc:/mnt:rx", "--", "true"],
        ["--user", "no-such-user", "--", "true"], ["--log", "no-such-part", "--", "true"],
        ["--hostname", "", "--", "true"], ["-o", "/no/such/dir/x", "--trace", "--", "true"],
        ["--bind", "/proc:/mnt:ro", "--", "true"], ["--root", "/proc", "--", "true"],
        ["--rw", "/proc/self/mem", "--", "true"],
        ["--bind", "/etc:/etc/passwd", "--", "true"], ["--memory", "100K", "--", "true"],
        ["-e", "=x", "--", "true"], ["--sched", "no-such-policy", "--", "true"],
        ["--trace=no_such_call", "--", "true"], ["-w", "/no/such/dir", "--", "true"],
        [], ["--"],
    ]
    for args in cases:
        got = run(*args)
        checks.check("cli/refused: run " + " ".join(args)[:40], got.status == 125 and one_line(got)
                     and not got.out, f"status {got.status}", got.out, got.err)
    for args in (["no-such-command"], ["--no-such-option"]):
        got = ukernel(*args)
        checks.check(f"cli/refused: {args[0]}", got.status == 125 and got.err, got.status, got.err)
    got = ukernel()
    checks.check("cli/no command", got.status == 125 and "run" in got.err + got.out, got.status)


def unreadable_root(checks, box):
    if os.getuid() == 0:
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    else:
        argv = []
    os.mkdir(box.path("secret"), 0o700)
    if argv:
        copy = box.write("ukernel", open(lib.UKERNEL, "rb").read(), 0o755)
    else:
        os.chmod(box.path("secret"), 0)
        copy = lib.UKERNEL
    got = lib.run([*argv, copy, "run", "--root", box.path("secret"), "--", "true"])
    checks.check("cli/a root that may not be read", got.status == 125 and one_line(got),
                 got.status, got.err)


def statuses(checks, box):
    for script, want in (("exit 0", 0), ("exit 42", 42), ("exit 255", 255), ("kill -9 $$", 137),
                         ("kill -SEGV $$", 139), ("kill -TERM $$", 143), ("kill -40 $$", 168)):
        got = run("--", "sh", "-c", script)
        checks.check(f"cli/status of {script}", got.status == want, got.status, got.err)


def passing_on(checks, box):
    def says(name, got, out, status=0):
        checks.check(f"cli/{name}", got.out == out and got.status == status,
                     f"status {got.status}, said {got.out!r}, not {out!r}", got.err)

    says("standard input", run("--", "cat", stdin=b"one\ntwo\n"), "one\ntwo\n")
    big = b"0123456789abcdef" * 65536
    got = run("--", "wc", "-c", stdin=big)
    says("a megabyte of input", got, f"{len(big)}\n")
    says("working directory", run("--", "pwd", cwd=box.dir), box.dir + "\n")
    says("-w", run("-w", "/usr/bin", "--", "pwd"), "/usr/bin\n")
    says("environment", run("--", "sh", "-c", "echo $MARK",
                            env=lib.environment(MARK="passed")), "passed\n")
    says("-e", run("-e", "MARK=set", "--", "sh", "-c", "echo $MARK"), "set\n")
    says("--hostname", run("--hostname", "a-box", "--", "uname", "-n"), "a-box\n")
    says("--user", run("--user", "12:34", "--", "sh", "-c", "id -u; id -g"), "12\n34\n")
    says("one's own number", run("--", "id", "-u"), f"{os.getuid()}\n")
    says("no -- needed", run("echo", "-n", "x"), "x")
    says("options behind the program are its own", run("echo", "--cpus"), "--cpus\n")
    says("arguments as they are", run("--", "printf", "[%s]", "a b", "", "*", "\\n"),
         "[a b][][*][\\n]")
    says("a program in the current directory", run("--", "./prog", cwd=program_dir(box)), "ran\n")
    got = run("--", "sh", "-c", "echo out; echo err >&2")
    checks.check("cli/the two outputs", got.out == "out\n" and got.err == "err\n", got.err)


def inherited(checks, _box):
    """What execve(2) keeps of the caller: umask, limits, nice value, ignored signals."""
    ask = "umask; ulimit -n; ulimit -s; nice; grep SigIgn /proc/self/status"
    change = "umask 037; ulimit -n 77; ulimit -s 4096; trap '' HUP USR2; exec nice -n 3 "
    want = lib.run(["sh", "-c", change + f'sh -c "{ask}"'])
    got = lib.run(["sh", "-c", change + f'"$0" run -- sh -c "{ask}"', lib.UKERNEL])
    checks.check("cli/inherited", got.out == want.out and "0037" in got.out, got.out, want.out,
                 got.err)


def program_dir(box):
    box.write("prog", "#!/bin/sh\necho ran\n", 0o755)
    return box.dir


def closed_standard_files(checks, box):
    for closing, script, want in ((">&-", "echo x 2>/dev/null || exit 7", 7),
                                  ("<&-", "read x 2>/dev/null || exit 8", 8),
                                  ("<&- >&- 2>&-", "exit 9", 9)):
        got = lib.run(["sh", "-c", f'"$0" run -- sh -c "{script}" {closing}', lib.UKERNEL])
        checks.check(f"cli/started with {closing}", got.status == want, got.status, got.err)


def files(checks, box):
    """What is written is forgotten, but for what --rw and --bind name."""
    box.write("old", "old\n")
    run("--", "sh", "-c", "echo new > old; echo new > fresh; rm -f other; mkdir d", cwd=box.dir)
    checks.check("cli/the host's files stay", sorted(os.listdir(box.dir)) == ["old"] and
                 open(box.path("old"), encoding="ascii").read() == "old\n", os.listdir(box.dir))
    got = run("--rw", box.dir, "--", "sh", "-c", "echo new > old; echo new > fresh; chmod 600 old",
              cwd=box.dir)
    checks.check("cli/--rw keeps", open(box.path("old"), encoding="ascii").read() == "new\n" and
                 os.path.exists(box.path("fresh")) and
                 stat.S_IMODE(os.stat(box.path("old")).st_mode) == 0o600, got.err)
    got = run("--ro", "--", "sh", "-c", "echo x > /usr/x", cwd=box.dir)
    checks.check("cli/--ro refuses", got.status != 0 and "ead-only" in got.err, got.err)
    got = run("--bind", f"{box.dir}:/mnt:ro", "--", "sh", "-c", "cat /mnt/old; echo x > /mnt/old")
    checks.check("cli/--bind ro", got.out == "new\n" and got.status != 0, got.out, got.err)
    got = run("--bind", f"{box.dir}:/mnt", "--", "sh", "-c", "echo bound > /mnt/old")
    checks.check("cli/--bind", open(box.path("old"), encoding="ascii").read() == "bound\n", got.err)
    os.mkdir(box.path("root"))
    box.write("root/prog", open(os.path.join(lib.BUILD, "guests/hello"), "rb").read(), 0o755)
    got = run("--root", box.path("root"), "--", "/prog")
    checks.check("cli/--root", got.status == 7 and got.out == "hello, 0 arguments\n", got.err)


def about_itself(checks, box):
    got = ukernel("--version")
    checks.check("cli/--version", got.status == 0 and got.out.startswith("ukernel "), got.out)
    got = ukernel("--help")
    checks.check("cli/--help", got.status == 0 and "doctor" in got.out, got.out)
    got = run("--help")
    checks.check("cli/run --help", got.status == 0 and "--backend" in got.out, got.out)
    got = ukernel("doctor")
    checks.check("cli/doctor", got.status == 0 and "seccomp" in got.out and "ptrace" in got.out,
                 got.out, got.err)
    got = ukernel("syscalls")
    checks.check("cli/syscalls", got.status == 0 and "openat" in got.out, got.err)
    got = ukernel("syscalls", "--json")
    try:
        rows = json.loads(got.out)
    except ValueError as e:
        rows = [str(e)]
    checks.check("cli/syscalls --json", len(rows) > 300, rows[:1])


def tracing(checks, box):
    trace = box.path("trace")
    got = run("--trace", "-o", trace, "--", "cat", "/etc/hostname")
    text = open(trace, encoding="utf-8", errors="replace").read()
    checks.check("cli/--trace", got.status == 0 and "openat(" in text and "exited with 0" in text,
                 text[-500:])
    got = run("--trace=openat", "--", "cat", "/etc/hostname")
    lines = [l for l in got.err.splitlines() if "(" in l]
    checks.check("cli/--trace=openat", lines and all("openat(" in l for l in lines), got.err[-500:])
    got = run("-c", "--", "cat", "/etc/hostname")
    checks.check("cli/-c", "openat" in got.err and "read" in got.err, got.err[-500:])


def output_that_fails(checks, box):
    """A full disk under the trace is said, and does not change what the program does."""
    with open("/dev/full", "wb") as full:
        proc = subprocess.run([lib.UKERNEL, "--help"], stdout=full, stderr=subprocess.PIPE,
                              check=False, env=lib.environment())
    checks.check("cli/--help to a full disk", proc.returncode != 0, proc.returncode)
    got = run("-o", "/dev/full", "--trace", "--", "sh", "-c", "exit 5")
    checks.check("cli/a trace to a full disk", got.status == 5, got.status, got.err)


CHECKS = {f.__name__: f for f in (bad_programs, bad_options, unreadable_root, statuses,
                                  passing_on, inherited, closed_standard_files, files,
                                  about_itself, tracing, output_that_fails)}


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        box = Box()
        try:
            check(checks, box)
        except (OSError, IndexError) as e:
            checks.fail(f"cli/{name}", repr(e))
        finally:
            lib.remove(box.dir)
    checks.end()


main()
