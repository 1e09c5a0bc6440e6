#!/usr/bin/env python3
"""Runs the Criterion suites and turns their TAP into the lines that run.py counts.

usage: units.py [PROGRAM[/FILTER]...]
"""
import glob
import os
import re
import sys
import tempfile

import lib


def run_suite(checks, program, pattern):
    name = os.path.basename(program)
    with tempfile.NamedTemporaryFile(prefix="ukernel-tap.") as tap:
        argv = [program, f"--tap={tap.name}", "--ignore-warnings"]
        if pattern:
            argv += ["--filter", pattern]
        got = lib.run(argv, seconds=300)
        text = tap.read().decode("utf-8", "replace")
    found = re.findall(r"^(ok|not ok) - (\S+)(.*)$", text, re.M)
    for verdict, test, rest in found:
        if "SKIP" in rest:
            checks.skip(f"unit/{name}/{test}", rest.strip(" #"))
        else:
            checks.check(f"unit/{name}/{test}", verdict == "ok")
    if got.status != 0 or not found:
        checks.check(f"unit/{name} ended with {got.status}", found and checks.failed,
                     got.out[-3000:], got.err[-6000:])
    elif "not ok" in text:
        print(got.err[-6000:])


def main():
    checks = lib.Checks()
    words = [a.partition("/") for a in sys.argv[1:] if not a.startswith("--")]
    for program in sorted(glob.glob(os.path.join(lib.BUILD, "tests", "*_test"))):
        name = os.path.basename(program)
        if not words:
            run_suite(checks, program, None)
        for word, _, pattern in words:
            if word in (name, name[:-5]):
                run_suite(checks, program, pattern)
    checks.end()


main()
