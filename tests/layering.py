#!/usr/bin/env python3
"""Every layer in its place: the check of the build, as a part of the test run."""
import os

import lib


def main():
    checks = lib.Checks()
    got = lib.run([os.path.join(lib.TOP, "mk", "layering.sh"),
                   os.path.join(lib.BUILD, "libukernel.a"),
                   os.path.join(lib.BUILD, "libsandbox.a")], cwd=lib.TOP, seconds=60)
    checks.check("layering", got.status == 0, got.out, got.err)
    checks.end()


main()
