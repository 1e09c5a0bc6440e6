#!/usr/bin/env python3
"""Every layer in its place: the check of the build, as a part of the test run; and the document that
is made from the table of calls."""
import os

import lib


def main():
    checks = lib.Checks()
    got = lib.run([os.path.join(lib.TOP, "mk", "layering.sh"),
                   os.path.join(lib.BUILD, "libukernel.a"),
                   os.path.join(lib.BUILD, "libsandbox.a")], cwd=lib.TOP, seconds=60)
    checks.check("layering", got.status == 0, got.out, got.err)
    with open(os.path.join(lib.TOP, "docs", "syscalls.md"), encoding="utf-8") as f:
        document = f.read()
    got = lib.run([lib.UKERNEL, "syscalls", "--markdown"])
    checks.check("layering/docs/syscalls.md is what the table says", got.out == document,
                 "make docs", *lib.diff(document, got.out, "docs/syscalls.md", "the table"))
    checks.end()


main()
