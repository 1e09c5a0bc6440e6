"""What the test drivers share: where things are, running one program, and saying what came of it.

A part of the test run is a program that prints one line for each check,

    ok NAME
    not ok NAME
    skip NAME: why

and anything else as it likes; tests/run.py counts those lines.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("B") or os.path.join(TOP, "build"))
UKERNEL = os.path.join(BUILD, "ukernel")
BACKENDS = (os.environ.get("BACKENDS") or "ptrace seccomp turbo").split()
# What nohup, a background job or a CI runner ignores, programs under test would ignore too.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Result:
    """Status as a shell shows it (None: timed out), and what was printed."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Checks:
    """Prints the verdicts of one part, and remembers whether one was bad."""

    def __init__(self, only=()):
        self.only, self.failed = list(only), 0

    def wanted(self, name):
        return not self.only or any(name == o or name.startswith(o + "/") for o in self.only)

    def ok(self, name):
        sys.stdout.write(f"ok {name}\n")
        sys.stdout.flush()

    def fail(self, name, *lines):
        self.failed += 1
        shown = [f"not ok {name}"]
        for text in lines:
            shown += [f"    {line}" for line in str(text).rstrip("\n").splitlines()]
        sys.stdout.write("\n".join(shown) + "\n")  # at once: there may be several threads
        sys.stdout.flush()

    def skip(self, name, why):
        sys.stdout.write(f"skip {name}: {why}\n")
        sys.stdout.flush()

    def check(self, name, good, *lines):
        if good:
            self.ok(name)
        else:
            self.fail(name, *lines)
        return good

    def end(self):
        sys.exit(1 if self.failed else 0)


def environment(**more):
    """The small fixed environment that every program under test gets."""
    env = {"PATH": PATH, "HOME": "/tmp", "LANG": "C", "TERM": "dumb", "TZ": "UTC"}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    env.update(more)
    return env


def kill_group(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def run(argv, seconds=20, cwd=None, env=None, stdin=None, preexec=None):
    """Run argv in a process group of its own, and end that group after seconds."""
    proc = subprocess.Popen(argv, cwd=cwd, env=env or environment(), start_new_session=True,
                            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)
    try:
        out, err = proc.communicate(stdin, timeout=seconds)
        status = proc.returncode if proc.returncode >= 0 else 128 - proc.returncode
    except subprocess.TimeoutExpired:
        kill_group(proc.pid)
        try:
            out, err = proc.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            out, err = b"", b"(its pipes stayed open after it was killed)\n"
        status = None
    return Result(status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def box(argv, backend, cpus=1, options=(), **kw):
    """Run argv under ukernel."""
    return run([UKERNEL, "run", "--backend", backend, "--cpus", str(cpus), *options, "--", *argv],
               **kw)


def trace_tail(argv, backend, cpus=1, options=(), lines=25, seconds=20, cwd=None):
    """The last lines of the trace of a run, to show beside a failure."""
    with tempfile.NamedTemporaryFile(prefix="ukernel-trace.") as out:
        box(argv, backend, cpus, [*options, "--trace", "-o", out.name], seconds=seconds, cwd=cwd)
        text = out.read().decode("utf-8", "replace").splitlines()
    return [f"trace, last {min(lines, len(text))} of {len(text)} lines:", *text[-lines:]]


def scratch(prefix="ukernel-test."):
    return tempfile.mkdtemp(prefix=prefix)


def remove(path):
    subprocess.run(["chmod", "-R", "u+rwx", path], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(path, ignore_errors=True)


def diff(a, b, a_name="native", b_name="box"):
    import difflib
    return list(difflib.unified_diff(a.splitlines(), b.splitlines(), a_name, b_name,
                                     lineterm="", n=2))[:40]


def host_processes():
    """Every process of the host that may be seen: pid to (parent, command line)."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                stat = f.read()
            with open(f"/proc/{name}/cmdline", "rb") as f:
                cmd = f.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2:].split()
        if fields[0] != "Z":
            found[int(name)] = (int(fields[1]), cmd or re.sub(r"^\d+ (\(.*\)).*", r"\1", stat))
    return found


def descendants(root):
    """The host processes below root; CLONE_PARENT children of it included."""
    every, below, grew = host_processes(), set(), True
    while grew:
        grew = False
        for pid, (parent, _) in every.items():
            if pid not in below and (parent == root or parent in below):
                below.add(pid)
                grew = True
    return below
