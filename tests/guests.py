#!/usr/bin/env python3
"""Every guest program prints the same natively and in the box.

usage: guests.py [--quick] [NAME...]

What may differ is named in the comment that opens the program (guests/README.md).  At the end,
unless only some were asked for: every row that syscalls.def calls FULL was used by some guest.
"""
import concurrent.futures
import glob
import os
import re
import sys

import lib

# (build, backend, virtual CPUs)
STATIC = [("static", b, c) for b in lib.BACKENDS for c in (1, 2)]
OTHERS = [("dynamic", lib.BACKENDS[-1], 2), ("musl", lib.BACKENDS[0], 1)]
# Those that take long begin first, so that none of them is left over in the end.
LONG = ("itimer", "call_sites", "nospace", "clock", "memory_limit", "call_text")
QUICK = [("static", lib.BACKENDS[-1], 1), ("static", lib.BACKENDS[0], 2)]


HOST_LACKS = 77  # check.h: not to be compared here


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
            self.native = value != "no"  # never run natively: it may do harm
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


class Comparison:
    """All the runs of one guest."""

    def __init__(self, checks, guest, configs):
        self.checks, self.guest = checks, guest
        self.configs = [c for c in configs if (not guest.links or c[0] in guest.links) and
                        os.path.exists(guest.program(c[0]))]
        self.natives, self.calls = {}, set()
        # Always the same one, so that a program may print it.
        self.cwd = f"/tmp/ukernel-guest.{os.getpid()}.{guest.name}"

    def in_scratch(self, function):
        """Call function() with an empty working directory that goes away afterwards."""
        lib.remove(self.cwd)
        os.mkdir(self.cwd)
        try:
            return function()
        finally:
            lib.remove(self.cwd)

    def argv(self, build):
        return [self.guest.program(build), *self.guest.args]

    def native(self, build, again=False):
        if again or build not in self.natives:
            self.natives[build] = self.in_scratch(
                lambda: lib.run(self.argv(build), self.guest.seconds, self.cwd))
        return self.natives[build]

    def same(self, build, got):
        guest, native = self.guest, self.natives.get(build)
        if not guest.native or native.status == HOST_LACKS:
            return got.status == 0 and not re.search(r"^FAIL", got.out, re.M)
        return got.status == native.status and guest.masked(got.out) == guest.masked(native.out)

    def box(self, build, backend, cpus):
        counts = ["-c", "-o", self.cwd + ".counts"] if (build, cpus) == ("static", 1) else []
        got = self.in_scratch(
            lambda: lib.box(self.argv(build), backend, cpus, [*counts, *self.guest.options],
                            cwd=self.cwd, seconds=self.guest.seconds))
        if counts:
            try:
                with open(self.cwd + ".counts", encoding="utf-8") as f:
                    self.calls |= {line.split()[-1] for line in f if line.split()}
                os.unlink(self.cwd + ".counts")
            except OSError:
                pass
        return got

    def compare(self, build, backend, cpus):
        guest, name = self.guest, f"guests/{self.guest.name} ({build}, {backend}, {cpus} cpu)"
        if guest.native and self.native(build).status is None:
            say = self.checks.fail if build == "static" else self.checks.skip
            say(name, "does not end natively")
            return
        got = self.box(build, backend, cpus)
        if not self.same(build, got) and guest.native:
            # A busy host may have upset the native run: it is not the one under test.
            self.native(build, again=True)
        if self.same(build, got):
            self.checks.ok(name)
            return
        self.checks.fail(name, *self.why(build, got), got.err[-2000:], *self.in_scratch(
            lambda: lib.trace_tail(self.argv(build), backend, cpus, guest.options, cwd=self.cwd,
                                   seconds=guest.seconds)))

    def why(self, build, got):
        if got.status is None:
            return [f"not done after {self.guest.seconds} s", got.out[-1000:]]
        if not self.guest.native:
            return [f"status {got.status}", got.out]
        native = self.natives[build]
        return [f"status {got.status}, natively {native.status}",
                *lib.diff(self.guest.masked(native.out), self.guest.masked(got.out))]

    def run(self):
        guest = self.guest
        if guest.user and (guest.user == "root") != (os.getuid() == 0):
            self.checks.skip(f"guests/{guest.name}", f"only as {guest.user}")
            return self.calls
        for config in self.configs:
            self.compare(*config)
        return self.calls


def coverage(checks, used):
    """Rows called FULL that no guest program makes."""
    with open(os.path.join(lib.TOP, "ukernel", "syscalls.def"), encoding="utf-8") as f:
        full = set(re.findall(r"^SYSCALL\(\d+,\s*(\w+),\s*FULL", f.read(), re.M))
    missing = sorted(full - used)
    checks.check(f"guests/coverage of the {len(full)} rows called FULL", not missing,
                 "no guest makes: " + " ".join(missing))


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    configs = QUICK if "--quick" in sys.argv else STATIC + OTHERS
    checks = lib.Checks()
    sources = sorted(glob.glob(os.path.join(lib.TOP, "guests", "*.c")))
    guests = [Guest(s) for s in sources]
    chosen = [g for g in guests if not names or g.name in names]
    chosen.sort(key=lambda g: g.name not in LONG)
    for name in set(names) - {g.name for g in guests}:
        checks.fail(f"guests/{name}", "no such guest")
    # Two at a time: many of them mostly sleep.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        calls = pool.map(lambda g: Comparison(checks, g, configs).run(), chosen)
        used = set().union(*calls)
    # What only root runs, only root covers.
    if not names and os.getuid() == 0:
        coverage(checks, used)
    checks.end()


main()
