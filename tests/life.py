#!/usr/bin/env python3
"""The life of a box seen from the host: who dies when, and what an idle one costs.

usage: life.py [CHECK...]
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import time

import lib

CROWD = """
import os, signal, threading, time
for i in range(3):
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while i == 0:
            pass
        time.sleep(1000)
threading.Thread(target=time.sleep, args=(1000,)).start()
print("up", flush=True)
time.sleep(1000)
"""
PYTHON = "/usr/bin/python3"


def start(argv, backend, cpus=1, options=(), stdin=subprocess.DEVNULL, **kw):
    return subprocess.Popen([lib.UKERNEL, "run", "--backend", backend, "--cpus", str(cpus),
                             *options, "--", *argv], stdin=stdin,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=lib.environment(), cwd="/tmp", start_new_session=True, **kw)


def alive(pids):
    every = lib.host_processes()
    return sorted(p for p in pids if p in every)


def wait_until_gone(pids, seconds=20):
    end = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.02)
    return alive(pids)


def dies_with_supervisor(checks, backend, signo):
    """Whatever ends the supervisor, no guest is left."""
    name = f"life/{signal.Signals(signo).name} to the supervisor ({backend})"
    proc = start([PYTHON, "-c", CROWD], backend, 2)
    line = proc.stdout.readline()
    time.sleep(0.1)
    guests = lib.descendants(proc.pid)
    proc.send_signal(signo)
    try:
        status = proc.wait(20)
    except subprocess.TimeoutExpired:
        status = None
    left = wait_until_gone(guests)
    checks.check(name, line == "up\n" and len(guests) >= 5 and status == -signo and not left,
                 f"it said {line!r}, had {len(guests)} processes, ended with {status}, "
                 f"left {left}")
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    lib.kill_group(proc.pid)
    proc.wait()


def leaves_nothing(checks, backend):
    """When the first program ends, so does all that it left behind."""
    proc = start(["sh", "-c", "sleep 1000 & sleep 1000 & (trap '' TERM HUP; sleep 1000) & "
                              "echo up; read x; exit 3"], backend, stdin=subprocess.PIPE)
    proc.stdout.readline()
    time.sleep(0.3)  # exec changes host processes
    guests = lib.descendants(proc.pid)
    proc.stdin.close()
    try:
        status = proc.wait(20)
    except subprocess.TimeoutExpired:
        status = None
        lib.kill_group(proc.pid)
    left = wait_until_gone(guests)
    checks.check(f"life/the end of the first program ends all ({backend})",
                 status == 3 and len(guests) >= 4 and not left,
                 f"status {status}, {len(guests)} processes, left {left}")


def switches(pids):
    """Context switches and CPU ticks of host processes so far, all their threads together."""
    total = ticks = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/status", encoding="ascii",
                          errors="replace") as f:
                    total += sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", f.read()))
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total, ticks


def wait_until_quiet(supervisor, seconds=15):
    """A busy host takes its time to get a box going."""
    end, before = time.monotonic() + seconds, None
    while time.monotonic() < end:
        now = switches({supervisor})
        if now == before:
            return
        before = now
        time.sleep(0.4)


def count_switches(argv, backend, seconds=2.0, supervisor_only=False):
    proc = start(argv, backend)
    proc.stdout.readline()
    wait_until_quiet(proc.pid)
    pids = {proc.pid} if supervisor_only else lib.descendants(proc.pid) | {proc.pid}
    before = switches(pids)
    time.sleep(seconds)
    after = switches(pids)
    lib.kill_group(proc.pid)
    proc.wait()
    return after[0] - before[0], after[1] - before[1]


def idle_costs_nothing(checks, backend):
    """A box in which every task sleeps is never woken: counted, not timed."""
    count, ticks = count_switches(["sh", "-c", "sleep 1000 & echo up; wait"], backend)
    checks.check(f"life/an idle box does not run ({backend})", count <= 2 and ticks == 0,
                 f"{count} context switches and {ticks} ticks of CPU in two seconds")


def busy_guest_is_left_alone(checks, backend):
    """One CPU-bound task has no rival: the supervisor need not wake up for it."""
    count, _ = count_switches(["sh", "-c", "echo up; while :; do :; done"], backend,
                              supervisor_only=True)
    checks.check(f"life/no timer interrupts without a choice ({backend})", count <= 20,
                 f"{count} context switches of the supervisor in two seconds")


def reader_goes_away(checks, backend):
    """SIGPIPE inside ends the program as it does natively."""
    proc = start(["sh", "-c", "yes; echo $? >&2"], backend)
    proc.stdout.readline()
    proc.stdout.close()
    try:
        status = proc.wait(20)
    except subprocess.TimeoutExpired:
        status = None
        lib.kill_group(proc.pid)
    checks.check(f"life/the reader of its output goes away ({backend})", status is not None,
                 "it goes on for ever")


def time_out(checks, backend):
    began = time.monotonic()
    got = lib.box(["sh", "-c", "trap '' TERM INT; sleep 1000 & while :; do :; done"], backend, 1,
                  ["--timeout", "0.5"], seconds=20)
    checks.check(f"life/--timeout ends everything ({backend})",
                 got.status in (124, 125, 137) and time.monotonic() - began < 15,
                 f"status {got.status}", got.err)


def ends_amid_calls(checks, backend):
    """Guests that do nothing but call: a signal to the supervisor, and its timers, get through."""
    calls = ["sh", "-c", "(while :; do cd .; done) & echo up; while :; do cd .; done"]
    for what, options in (("SIGTERM", ()), ("--timeout", ("--timeout", "0.7"))):
        proc = start(calls, backend, options=options)
        proc.stdout.readline()
        time.sleep(0.3)
        if what == "SIGTERM":
            proc.send_signal(signal.SIGTERM)
        try:
            proc.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            lib.kill_group(proc.pid)
        checks.check(f"life/{what} while guests call all the time ({backend})",
                     proc.returncode in (124, 143), f"status {proc.returncode}")


def outside_kill(checks, backend, what, script):
    """The host takes one guest away: its parent in the box sees a kill."""
    proc = start(["sh", "-c", f"{script} & echo up; wait $!; echo status $?"], backend)
    proc.stdout.readline()
    time.sleep(0.3)
    # The youngest host process is the one in the background.
    guests = sorted(lib.descendants(proc.pid))
    if guests:
        os.kill(guests[-1], signal.SIGKILL)
    try:
        out, _ = proc.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        out = "it hangs"
        lib.kill_group(proc.pid)
    checks.check(f"life/the host kills a guest that {what} ({backend})", "status 137" in out, out)


def realtime(checks, backend):
    """Started with a real-time priority: a guest with the same one would never let it in again."""
    name = f"life/a real-time priority is not for guests ({backend})"
    argv = ["chrt", "-f", "10"]
    if subprocess.run([*argv, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        checks.skip(name, "one may not have any here")
        return
    got = lib.run([*argv, lib.UKERNEL, "run", "--backend", backend, "--timeout", "0.5", "--", "sh",
                   "-c", "while :; do :; done"])
    checks.check(name, got.status == 124, f"status {got.status}", got.err)


CHECKS = {
    "SIGKILL": lambda c, b: dies_with_supervisor(c, b, signal.SIGKILL),
    "SIGSEGV": lambda c, b: dies_with_supervisor(c, b, signal.SIGSEGV),
    "end": leaves_nothing,
    "idle": idle_costs_nothing,
    "busy": busy_guest_is_left_alone,
    "pipe": reader_goes_away,
    "timeout": time_out,
    "calls": ends_amid_calls,
    "realtime": realtime,
    "kill": lambda c, b: outside_kill(c, b, "computes", "(while :; do :; done)"),
    "kill-calls": lambda c, b: outside_kill(c, b, "calls", "(while :; do cd .; done)"),
    "kill-asleep": lambda c, b: outside_kill(c, b, "sleeps", "sleep 1000"),
}


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        with concurrent.futures.ThreadPoolExecutor(len(lib.BACKENDS)) as pool:
            list(pool.map(lambda backend, check=check: check(checks, backend), lib.BACKENDS))
    checks.end()


main()
