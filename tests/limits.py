#!/usr/bin/env python3
"""A guest that uses up what it may have gets the right error, and the supervisor lives.

usage: limits.py [THING...]
"""
import os
import re
import sys

import lib

BOX_NAME = "box-of-security-test"  # the programs of guests/hostile ask for it

# what is used up: options, the errors that may come (None: it need not end)
THINGS = {
    "memory": (["--memory", "64M"], ["ENOMEM"]),
    "brk": (["--memory", "64M"], ["ENOMEM"]),
    "touch": (["--memory", "128M"], ["ENOMEM"]),
    "descriptors": ([], ["EMFILE"]),
    "pipes": ([], ["EMFILE", "ENFILE"]),
    "sockets": (["--memory", "64M"], ["ENOBUFS"]),
    "passed": (["--memory", "64M"], ["ENOBUFS", "ETOOMANYREFS"]),  # root, others
    "memfds": ([], ["EMFILE", "ENFILE"]),
    "pids": (["--pids", "50"], ["EAGAIN"]),
    "threads": (["--pids", "50"], ["EAGAIN"]),
    "space": (["--memory", "64M"], ["ENOSPC", "ENOMEM"]),
    "names": (["--memory", "20M"], ["ENOSPC", "ENOMEM", None]),
    "depth": (["--memory", "20M"], ["ENOSPC", "ENOMEM", "ENAMETOOLONG", None]),
    "signals": ([], ["EAGAIN"]),
    "timers": ([], ["EAGAIN"]),
    "watches": (["--memory", "20M"], ["ENOSPC", "ENOMEM", "ENOENT"]),  # no file to watch left
    "maps": ([], ["ENOMEM"]),
    "locks": ([], ["ENOLCK", None]),
    "stack": ([], None),
    "arguments": ([], ["E2BIG"]),
}

def exhaust(checks, thing, backend):
    options, errors = THINGS[thing]
    name = f"limits/{thing} ({backend})"
    cwd = lib.scratch("ukernel-limits.")
    program = os.path.join(lib.BUILD, "guests/hostile/exhaust")
    got = lib.box([program, thing], backend, 1,
                  ["--hostname", BOX_NAME, *options], cwd=cwd, seconds=60)
    lib.remove(cwd)
    if errors is None:
        good = "stack: status 139" in got.out
    else:
        said = re.search(rf"^{thing}: (.*)$", got.out, re.M)
        word = said.group(1) if said else "nothing"
        good = word in errors or word == "no end" and None in errors
    good = good and got.status == 0 and "still works" in got.out
    checks.check(name, good, f"status {got.status}", got.out, got.err[-1500:])


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    for thing in names or THINGS:
        if thing not in THINGS:
            checks.fail(f"limits/{thing}", "no such thing")
            continue
        for backend in lib.BACKENDS:
            exhaust(checks, thing, backend)
    checks.end()


main()
