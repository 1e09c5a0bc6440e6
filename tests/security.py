#!/usr/bin/env python3
"""Guests that try everything, and what came of it on the host: nothing.

usage: security.py [--quick] [PROGRAM...]

Each program of guests/hostile runs in a box beside a canary file and a victim process of the host.
It stops at "ready" and at "done", and the host is looked at both times: the canary, the victim,
the machine's own processes and what they hold, the host's name, time and limits.  Where the host's
tracepoints may be used (root), they also say which calls were carried out for guest processes.
"""
import os
import re
import signal
import subprocess
import sys
import time

import lib
import trace_host

BOX_NAME = "box-of-security-test"
MARKER = 0x5ec5ec5ec5e1

# What the machine may have the host carry out in a guest's process, and why.  Guest code can
# bring about none of them but sched_yield and rt_sigreturn, which change nothing.
DOCUMENTED = {
    "mmap", "munmap", "mprotect", "mremap", "madvise", "mincore",  # regions, by order of the kernel
    "clone",                                            # fork and threads, by order of the kernel
    "exit", "exit_group",                               # the end of a guest process
    "rt_sigaction", "rt_sigprocmask", "setpgid",        # the zygote, once, before the first guest:
    "prctl", "seccomp", "pause", "getppid",             # ... signals, name, filter, waiting
    "sched_yield", "rt_sigreturn", "restart_syscall",
}
# uretprobe and uprobe: the host lets them past every seccomp filter (since Linux 6.14 and 6.18).
# Without a probe, which takes root on the host, the first is SIGILL and the second ENXIO.
PAST_FILTERS = {"335", "336"}
BEFORE_GUESTS = {"rt_sigaction", "rt_sigprocmask", "setpgid", "prctl", "seccomp", "pause",
                 "getppid"}


class Victim:
    """The process of the host that must not notice anything."""

    def __init__(self):
        self.proc = subprocess.Popen([os.path.join(lib.BUILD, "guests/hostile/victim")],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid, self.address, self.port, self.shm = self.proc.stdout.readline().split()

    def verdict(self):
        try:
            out, _ = self.proc.communicate("", timeout=10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            return "it hangs"
        if self.proc.returncode != 0:
            return f"it ended with {self.proc.returncode}"
        return "" if out.strip() == "end" else out


class Canary:
    """A file and its directory, which stay as they are."""

    def __init__(self):
        self.dir = lib.scratch("ukernel-canary.")
        self.file = os.path.join(self.dir, "canary")
        with open(self.file, "w", encoding="ascii") as f:
            f.write("alive\n")
        os.chmod(self.file, 0o666)
        os.chmod(self.dir, 0o777)
        self.before = self.picture()

    def picture(self):
        picture = []
        for name in [".", *sorted(os.listdir(self.dir))]:
            st = os.lstat(os.path.join(self.dir, name))
            picture.append((name, st.st_ino, st.st_mode, st.st_uid, st.st_gid, st.st_nlink,
                            st.st_size, st.st_mtime_ns, st.st_ctime_ns))
        with open(self.file, encoding="ascii") as f:
            picture.append(f.read())
        return picture


def host_settings():
    """What a guest with a way out could change for everybody."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        mounts = sorted(line for line in f if "tracefs" not in line)
    return {"name": os.uname().nodename, "mounts": mounts,
            "clock": round(time.time() - time.monotonic()) // 5,
            "swaps": open("/proc/swaps", encoding="ascii").read()}


def proc_text(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def machine_processes(supervisor):
    """{pid: what the host knows of it} for the guest processes of one supervisor."""
    found = {}
    for pid in lib.descendants(supervisor):
        status = proc_text(pid, "status")
        keep = re.findall(r"^(?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Umask):.*$", status, re.M)
        known = {"status": keep, "limits": proc_text(pid, "limits"),
                 "session": proc_text(pid, "stat").rsplit(")", 1)[-1].split()[3:4]}
        for name in ("cwd", "root", "exe"):
            try:
                known[name] = os.readlink(f"/proc/{pid}/{name}")
            except OSError:
                known[name] = ""
        if known["exe"]:  # or else it is ending: looked at last, so all the rest is of a live one
            found[pid] = known
    return found


def sockets_of(pid):
    """Sockets among the descriptors of pid."""
    found = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            link = os.readlink(f"/proc/{pid}/fd/{fd}")
            if link.startswith("socket:"):
                found.append(f"{fd} -> {link}")
    except OSError:
        pass
    return found


def executable_ranges(supervisor):
    """Executable memory of guest processes that does not come from a program file."""
    ranges = set()
    for pid in lib.descendants(supervisor):
        for line in proc_text(pid, "maps").splitlines():
            fields = line.split(None, 5)
            name = fields[5] if len(fields) > 5 else ""
            if "x" not in fields[1] or "/guests/" in name or "vsyscall" in name or \
                    "ukernel-text" in name:
                continue  # the guest's own, rewritten or not
            lo, hi = (int(x, 16) for x in fields[0].split("-"))
            if "ukernel-trampolines" in name:  # all alike, and most of it is empty
                ranges.add((lo, lo + 0x400, 1, name))
                ranges.add((lo + 0x400, hi, 1021, name))
            else:
                ranges.add((lo, hi, 16 if "vdso" in name else 1, name))
    return sorted(ranges)


class Attack:
    """One hostile program in one box."""

    def __init__(self, checks, label, backend, cpus, argv, trace, lines=None):
        self.checks, self.label, self.trace = checks, label, trace
        self.lines = lines  # what to tell it after "ready", from the supervisor's pid
        self.argv = [lib.UKERNEL, "run", "--backend", backend, "--cpus", str(cpus),
                     "--hostname", BOX_NAME, "--pids", "200", "--", *argv]
        self.backend, self.output, self.early, self.late = backend, [], {}, {}

    def wait_for(self, word):
        """Collect output until the word; False if it never comes."""
        for line in self.proc.stdout:
            if line.rstrip() == word:
                return True
            self.output.append(line)
        return False

    def start(self):
        argv = self.trace.stopped(self.argv) if self.trace else self.argv
        self.proc = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, errors="replace",
                                     env=lib.environment(), cwd="/tmp", start_new_session=True)
        if self.trace:
            os.waitid(os.P_PID, self.proc.pid, os.WSTOPPED | os.WNOWAIT)
            self.trace.follow(self.proc.pid)
            os.kill(self.proc.pid, signal.SIGCONT)

    def tell(self, text):
        self.proc.stdin.write(text)
        self.proc.stdin.flush()

    def run(self, seconds=90):
        """True if it came to its end; what was seen is then in early and late."""
        self.start()
        timer = subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -KILL -{self.proc.pid}"],
                                 start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            if not self.wait_for("ready"):
                return False
            self.early = machine_processes(self.proc.pid)
            self.tell(self.lines(self.proc.pid) if self.lines else "go\n")
            if not self.wait_for("done"):
                return False
            self.late = machine_processes(self.proc.pid)
            patience = time.monotonic() + 5  # those just killed need a moment to be gone
            while len(self.late) - len(self.early) > 4 and time.monotonic() < patience:
                time.sleep(0.05)
                self.late = machine_processes(self.proc.pid)
            self.sockets = [s for p in self.late for s in sockets_of(p)]
            self.tell("go\n")
            self.output += self.proc.stdout.readlines()
            return True
        except (BrokenPipeError, OSError) as e:
            self.output.append(f"{e}\n")
            return False
        finally:
            lib.kill_group(timer.pid)
            timer.wait()
            self.finish()

    def finish(self):
        try:
            self.status = self.proc.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.status = "it does not end"
        self.left = lib.descendants(self.proc.pid)
        lib.kill_group(self.proc.pid)
        self.proc.wait()

    def check(self, name, good, *why):
        self.checks.check(f"{self.label}: {name}", good, *why)


def check_processes(attack):
    """The guest processes are those of the machine, and are what they were at the start."""
    strange = []
    model = next(iter(attack.early.values()), None)
    for pid, now in attack.late.items():
        for key, value in now.items():
            if model and value != model[key]:
                strange.append(f"{pid}: {key} is {value!r}, was {model[key]!r}")
    attack.check("no strange host process", attack.late and not strange, *strange)
    more = len(attack.late) - len(attack.early)
    attack.check("no host process is left over inside", more <= 4,
                 f"{len(attack.early)} at first, {len(attack.late)} in the end")
    attack.check("no host socket", not attack.sockets, *attack.sockets)
    attack.check("no host process outlives it", not attack.left, attack.left)


def check_trace(attack, calls, lost):
    """What the host carried out is what is documented, and nothing that the guest asked for."""
    names = trace_host.number_names()
    undocumented, marked, early = {}, [], {}
    for pid, number, args in calls:
        name = names.get(number, str(number))
        if name in PAST_FILTERS and attack.backend != "ptrace":
            continue
        if name not in DOCUMENTED:
            undocumented[name] = undocumented.get(name, 0) + 1
        elif name in BEFORE_GUESTS:
            early.setdefault(pid, set()).add(name)
        if MARKER in args and name != "sched_yield":  # it has none: what the registers held
            marked.append(f"{name} {args}")
    attack.check(f"the host carried out {len(calls)} calls, all documented",
                 calls and not undocumented, undocumented)
    # One process, the ancestor of the guests, was set up; no other made such a call.
    attack.check("the host's set-up calls came from no guest", len(early) == 1, early)
    attack.check("the host carried out no call with a guest's arguments", not marked, *marked[:10])
    if lost:
        attack.checks.skip(f"{attack.label}: the whole trace", f"{lost} events were lost")


def run_attack(checks, program, backend, cpus, make_argv, trace_class, lines=None):
    label = f"security/{program} ({backend}, {cpus} cpu)"
    canary, victim, before = Canary(), Victim(), host_settings()
    trace = trace_class() if trace_class else None
    argv = [os.path.join(lib.BUILD, "guests/hostile", program), *make_argv(canary, victim)]
    attack = Attack(checks, label, backend, cpus, argv, trace, lines)
    try:
        ended = attack.run()
        bad = [line for line in attack.output if line.startswith("FAIL")]
        attack.check("it came to its end", ended and attack.status == 0,
                     f"status {attack.status}", *attack.output[-20:])
        attack.check("it found nothing open", not bad, *bad[:20])
        said = [line for line in attack.output if not line.startswith("ukernel: ")]
        print("".join(f"# {line}" for line in said[:20]), end="")
        if attack.late:
            check_processes(attack)
        attack.check("the canary is as it was", canary.picture() == canary.before,
                     *lib.diff(str(canary.before), str(canary.picture())))
        verdict = victim.verdict()
        attack.check("the victim noticed nothing", not verdict, verdict)
        after = host_settings()
        attack.check("the host's settings are as they were", after == before,
                     *lib.diff(str(before), str(after)))
        if trace:
            check_trace(attack, *trace.calls())
    finally:
        if trace:
            trace.close()
        lib.remove(canary.dir)


def stub_lines(supervisor):
    ranges = executable_ranges(supervisor)
    return "".join(f"{lo:x} {hi:x} {step}\n" for lo, hi, step, _ in ranges) + "go\n"


def page_lines(supervisor):
    """The pages of the machine that its guests have and may not write."""
    ranges = set()
    for pid in lib.descendants(supervisor):
        for line in proc_text(pid, "maps").splitlines():
            where, mode, *_ = line.split(None, 2)
            kind = re.search(r"/memfd:ukernel-(\w+)", line)
            if not kind or kind.group(1) == "text" or "w" in mode:
                continue  # text is the guest's own, a mailbox it may write
            lo, hi = where.split("-")
            ranges.add(f"{lo} {hi} {int('x' in mode and kind.group(1) != 'trampolines')}\n")
    return "".join(sorted(ranges)) + "go\n"


PROGRAMS = [
    # program, its arguments, what to tell it after "ready"
    ("numbers", lambda c, v: [c.file, v.pid], None),
    ("legacy", lambda c, v: [c.file, v.pid], None),
    ("stub", lambda c, v: [c.file, v.pid], stub_lines),
    ("pages", lambda c, v: [], page_lines),
    ("reach", lambda c, v: [c.file, v.pid, v.address, v.port, v.shm], None),
    ("pointers", lambda c, v: ["1", "300"], None),
    ("mailbox", lambda c, v: [c.file, v.pid], None),
    ("sites", lambda c, v: [c.file, v.pid], None),
    ("locks", lambda c, v: ["1", "40"], None),
]


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    trace_class, why = trace_host.HostTrace, ""
    try:
        trace_host.HostTrace().close()
    except PermissionError as e:
        trace_class, why = None, str(e)
        checks.skip("security/host trace", why)
    for program, make_argv, lines in PROGRAMS:
        if names and program not in names:
            continue
        for backend, cpus in zip(lib.BACKENDS, (1, 2, 2)):
            run_attack(checks, program, backend, cpus, make_argv, trace_class, lines)
    checks.end()


main()
