#!/usr/bin/env python3
"""Runs the parts of the test suite one after the other and counts.

usage: run.py [--quick] [--list] [PART[/NAME]...]

Everything is run as whoever calls; root runs the parts that are about guests a second time as
`nobody`, from a copy of the build.  Closes with "N passed, N failed, N skipped".
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import lib

HERE = os.path.dirname(os.path.abspath(__file__))
# name, program, in the quick run, again as an ordinary user when root
PARTS = [
    ("layering", "layering.py", True, False),
    ("unit", "units.py", True, False),
    ("machine", "machine.py", True, True),
    ("guests", "guests.py", True, True),
    ("cli", "cli.py", True, True),
    ("stdfiles", "stdfiles.py", False, True),
    ("trace", "trace.py", True, False),
    ("lessons", "lessons.py", False, False),
    ("policies", "policies.py", False, False),
    ("sim", "sim.py", True, False),
    ("lab", "lab.py", False, False),
    ("bench", "bench.py", False, False),
    ("limits", "limits.py", False, True),
    ("files", "files.py", True, True),
    ("overlay", "overlay.py", False, True),
    ("life", "life.py", False, True),
    ("security", "security.py", False, True),
    ("real", "real.py", False, True),
]


class Counter:
    """Reads the lines of a part as they come, shows them, counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.bad = []

    def part(self, name, argv, env, cwd):
        before = self.passed + self.failed + self.skipped
        began = time.monotonic()
        proc = subprocess.Popen(argv, stdout=subprocess.PIPE, env=env, cwd=cwd, text=True,
                                errors="replace")
        failed_before = self.failed
        for line in proc.stdout:
            self.line(line)
        status = proc.wait()
        if status != 0 and self.failed == failed_before:
            self.line(f"not ok {name} ended with status {status}\n")
        if before == self.passed + self.failed + self.skipped:
            self.line(f"skip {name}: it had nothing to check\n")
        print(f"# {name}: {time.monotonic() - began:.0f} s", flush=True)

    def line(self, line):
        # An "ok" in the log of a few hundred would hide the others: a terminal gets one line.
        if line.startswith("ok "):
            self.passed += 1
            if sys.stdout.isatty():
                print("\r\033[K" + line.rstrip()[:100], end="", flush=True)
                return
        elif line.startswith("not ok "):
            self.failed += 1
            self.bad.append(line[7:].rstrip())
        elif line.startswith("skip "):
            self.skipped += 1
        if sys.stdout.isatty():
            print("\r\033[K", end="")
        print(line, end="", flush=True)


def as_nobody(argv):
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *argv]


def copy_for_nobody():
    """What the parts need, in a place that nobody may read."""
    top = tempfile.mkdtemp(prefix="ukernel-nobody.")
    for name in ("tests", "guests", "ukernel"):
        shutil.copytree(os.path.join(lib.TOP, name), os.path.join(top, name))
    os.mkdir(os.path.join(top, "build"))
    for name in ("ukernel", "guests", "tests", "machine_test"):
        source, to = os.path.join(lib.BUILD, name), os.path.join(top, "build", name)
        if os.path.isdir(source):
            shutil.copytree(source, to)
        elif os.path.exists(source):
            shutil.copy2(source, to)
    subprocess.run(["chmod", "-R", "a+rX", top], check=True)
    return top


def selection(words):
    """{part: [names]} from PART and PART/NAME words."""
    chosen = {}
    for word in words:
        part, _, name = word.partition("/")
        chosen.setdefault(part, [])
        if name:
            chosen[part].append(name)
    unknown = set(chosen) - {p[0] for p in PARTS}
    if unknown:
        sys.exit(f"no such part: {' '.join(sorted(unknown))} (try --list)")
    return chosen


def main():
    if "--list" in sys.argv:
        print("\n".join(p[0] for p in PARTS))
        return 0
    quick = "--quick" in sys.argv
    chosen = selection([a for a in sys.argv[1:] if not a.startswith("--")])
    counter, again = Counter(), []
    env = dict(os.environ, B=lib.BUILD)
    for name, program, in_quick, twice in PARTS:
        if chosen and name not in chosen or not chosen and quick and not in_quick:
            continue
        path = os.path.join(HERE, program)
        if not os.path.exists(path):
            continue
        args = (["--quick"] if quick else []) + chosen.get(name, [])
        print(f"# {name}", flush=True)
        counter.part(name, [sys.executable, path, *args], env, lib.TOP)
        if twice and not quick:
            again.append((name, program, args))
    if os.getuid() == 0 and again:
        top = copy_for_nobody()
        env.update(B=os.path.join(top, "build"), PATH=lib.PATH, HOME="/tmp")
        for name, program, args in again:
            print(f"# {name}, as nobody", flush=True)
            if name in ("guests", "real") and not args:
                args = ["--quick"]
            argv = as_nobody(["python3", os.path.join(top, "tests", program), *args])
            counter.part(name, argv, env, top)
        lib.remove(top)
    for bad in counter.bad:
        print(f"failed: {bad}")
    print(f"{counter.passed} passed, {counter.failed} failed, {counter.skipped} skipped")
    return 1 if counter.failed else 0


sys.exit(main())
