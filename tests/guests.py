#!/usr/bin/env python3
"""Every guest program prints the same natively and in the box.

usage: guests.py [--quick] [NAME...]

What may differ is named in the comment that opens the program (guests/README.md).  At the end,
unless only some were asked for: every row that syscalls.def calls FULL was used by some guest.
"""
import glob
import os
import re
import sys

import lib

# (build, backend, virtual CPUs)
STATIC = [("static", b, c) for b in lib.BACKENDS for c in (1, 2)]
OTHERS = [("dynamic", lib.BACKENDS[-1], 2), ("dynamic", lib.BACKENDS[0], 1),
          ("musl", lib.BACKENDS[-1], 1), ("musl", lib.BACKENDS[0], 2)]
QUICK = [("static", lib.BACKENDS[-1], 1), ("static", lib.BACKENDS[0], 2)]


class Guest:
    """One program and what its opening comment says of it."""

    def __init__(self, source):
        self.name = os.path.basename(source)[:-2]
        self.masks, self.options, self.args = [], [], []
        self.links, self.user, self.native, self.seconds = [], None, True, 20
        with open(source, encoding="utf-8") as f:
            head = f.read().split("*/")[0]
        for key, value in re.findall(r"guest-(\w+):[ \t]*(.*?)\s*$", head, re.M):
            self.directive(source, key, value)

    def directive(self, source, key, value):
        if key == "mask":
            self.masks.append(re.compile(value, re.M))
        elif key == "args":
            self.args = value.split()
        elif key == "options":
            self.options = value.split()
        elif key == "link":
            self.links = value.split()
        elif key == "user":
            self.user = value
        elif key == "native":
            self.native = value != "no"
        elif key == "seconds":
            self.seconds = int(value)
        else:
            sys.exit(f"{source}: unknown directive guest-{key}")

    def program(self, build):
        sub = {"static": "", "dynamic": "dynamic", "musl": "musl"}[build]
        return os.path.join(lib.BUILD, "guests", sub, self.name)

    def masked(self, text):
        for mask in self.masks:
            text = mask.sub("<masked>", text)
        return text


def in_scratch(function):
    """Call function(dir) with an empty directory that goes away afterwards.

    It has the same name each time, so that a program may print it.
    """
    cwd = f"/tmp/ukernel-guest.{os.getpid()}"
    lib.remove(cwd)
    os.mkdir(cwd)
    try:
        return function(cwd)
    finally:
        lib.remove(cwd)


def compare(checks, guest, build, backend, cpus, native):
    name = f"guests/{guest.name} ({build}, {backend}, {cpus} cpu)"
    argv = [guest.program(build), *guest.args]
    got = in_scratch(lambda cwd: lib.box(argv, backend, cpus, guest.options, cwd=cwd,
                                         seconds=guest.seconds))
    if guest.native:
        good = (got.status == native.status and guest.masked(got.out) == guest.masked(native.out))
        why = [f"status {got.status}, natively {native.status}",
               *lib.diff(guest.masked(native.out), guest.masked(got.out))]
    else:
        good = got.status == 0 and not re.search(r"^FAIL", got.out, re.M)
        why = [f"status {got.status}", got.out]
    if good:
        checks.ok(name)
        return
    if got.status is None:
        why[0] = f"not done after {guest.seconds} s"
    tail = in_scratch(lambda cwd: lib.trace_tail(argv, backend, cpus, guest.options, cwd=cwd,
                                                 seconds=guest.seconds))
    checks.fail(name, *why, got.err[-2000:], *tail)


def run_guest(checks, guest, configs):
    if guest.user and (guest.user == "root") != (os.getuid() == 0):
        checks.skip(f"guests/{guest.name}", f"only as {guest.user}")
        return
    natives = {}
    for build, backend, cpus in configs:
        if guest.links and build not in guest.links:
            continue
        if not os.path.exists(guest.program(build)):
            continue
        if guest.native and build not in natives:
            argv = [guest.program(build), *guest.args]
            natives[build] = in_scratch(lambda cwd: lib.run(argv, guest.seconds, cwd))
        native = natives.get(build)
        if guest.native and native.status is None:
            say = checks.fail if build == "static" else checks.skip
            say(f"guests/{guest.name} ({build})", "does not end natively")
            continue
        compare(checks, guest, build, backend, cpus, native)


def coverage(checks, guests):
    """Rows called FULL that no guest program makes."""
    with open(os.path.join(lib.TOP, "ukernel", "syscalls.def"), encoding="utf-8") as f:
        full = set(re.findall(r"^SYSCALL\(\d+,\s*(\w+),\s*FULL", f.read(), re.M))
    used = set()
    for guest in guests:
        if guest.user and (guest.user == "root") != (os.getuid() == 0):
            continue
        used |= in_scratch(lambda cwd: calls_of(guest, cwd))
    missing = sorted(full - used)
    checks.check(f"guests/coverage of the {len(full)} rows called FULL", not missing,
                 "no guest makes: " + " ".join(missing))


def calls_of(guest, cwd):
    """The names of the calls that a guest makes, from `--trace -c`."""
    out = os.path.join(cwd, ".counts")
    lib.box([guest.program("static"), *guest.args], lib.BACKENDS[-1], 1,
            ["-c", "-o", out, *guest.options], cwd=cwd, seconds=guest.seconds)
    try:
        with open(out, encoding="utf-8") as f:
            return {line.split()[-1] for line in f if line.split()}
    except OSError:
        return set()


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    configs = QUICK if "--quick" in sys.argv else STATIC + OTHERS
    checks = lib.Checks()
    sources = sorted(glob.glob(os.path.join(lib.TOP, "guests", "*.c")))
    guests = [Guest(s) for s in sources]
    chosen = [g for g in guests if not names or g.name in names]
    for name in set(names) - {g.name for g in guests} - {"coverage"}:
        checks.fail(f"guests/{name}", "no such guest")
    for guest in chosen:
        run_guest(checks, guest, configs)
    if not names or "coverage" in names:
        coverage(checks, guests)
    checks.end()


main()
