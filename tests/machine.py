#!/usr/bin/env python3
"""Both machines against their contract, with no kernel: machine_test with one and two CPUs.

usage: machine.py [TEST...]
"""
import os
import re
import sys

import lib


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    program = os.path.join(lib.BUILD, "machine_test")
    for cpus in ("1", "2"):
        got = lib.run([program, "-c", cpus, *names], seconds=300)
        found = re.findall(r"^(\w+) +(\w+ cpus=\d \w+)", got.out, re.M)
        for verdict, what in found:
            name = "machine/" + what.replace(" ", "/")
            if verdict == "skip":
                checks.skip(name, "not offered here")
            else:
                checks.check(name, verdict == "ok", got.err[-3000:])
        if got.status != 0 and not checks.failed or not found:
            checks.fail(f"machine/{cpus} cpus ended with {got.status}", got.out, got.err)
    checks.end()


main()
