#!/usr/bin/env python3
"""Every layer in its place: the check of the build, as a part of the test run."""
import os

import lib


def main():
    checks = lib.Checks()
    script = os.path.join(lib.TOP, "mk", "layering.sh")
    got = lib.run(["sh", script, os.path.join(lib.BUILD, "libukernel.a")], cwd=lib.TOP,
                  env=dict(os.environ), seconds=60)
    checks.check("layering", got.status == 0, got.out, got.err)
    checks.end()


main()
