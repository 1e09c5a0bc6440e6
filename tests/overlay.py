#!/usr/bin/env python3
"""Random calls on a directory of the host, through the overlay and through --rw.

usage: overlay.py [NAME...]

Two equal directories are prepared; in one the calls are made natively, in the other in the box.
Both must print the same.  Through the overlay nothing of it may reach the host; through --rw all.
"""
import os
import sys

import lib

PROGRAM = os.path.join(lib.BUILD, "guests", "random_names")
SEEDS = range(100, 112)
FILES = ["mixed", "exclusive", "shared"]


def listing(top):
    """What can be seen of a tree from outside, but for its times."""
    seen = []
    for path, dirs, files in sorted(os.walk(top)):
        for name in sorted(dirs + files):
            full = os.path.join(path, name)
            st = os.lstat(full)
            size = 0 if os.path.isdir(full) and not os.path.islink(full) else st.st_size
            seen.append((os.path.relpath(full, top), st.st_mode, st.st_nlink, size))
    return seen


def difference(want, got):
    """The first line that differs, and what was there instead."""
    want, got = want.splitlines(), got.splitlines()
    for i, line in enumerate(want):
        if i >= len(got) or got[i] != line:
            return [f"line {i + 1}: natively: {line}",
                    f"in the box: {got[i] if i < len(got) else '(nothing)'}"]
    return ["more lines than natively"]


def one(checks, seed, backend, writable, files):
    top = lib.scratch()
    native, boxed = os.path.join(top, "native"), os.path.join(top, "boxed")
    for where in (native, boxed):
        os.mkdir(where)
        lib.run([PROGRAM, str(seed), "1", "120"], cwd=where)
    before = listing(boxed)
    args = [PROGRAM, str(seed), "2", "300"]
    want = lib.run(args, cwd=native)
    options = ["--files", files] + (["--rw", boxed] if writable else [])
    got = lib.box(args, backend, cwd=boxed, options=options)
    name = f"overlay/{'rw' if writable else 'overlay'}-{seed} ({backend})"
    left, right = listing(boxed), listing(native) if writable else before
    if want.out != got.out or want.status != got.status:
        checks.fail(name, f"status {want.status} and {got.status}", *difference(want.out, got.out),
                    got.err)
    else:
        checks.check(name, left == right, "the host's directory is not as it should be",
                     *set(left).symmetric_difference(right))
    lib.remove(top)


def main():
    checks = lib.Checks()
    only = sys.argv[1:]
    for i, seed in enumerate(SEEDS):
        for writable in (False, True):
            name = f"{'rw' if writable else 'overlay'}-{seed}"
            if not only or name in only:
                one(checks, seed, lib.BACKENDS[i % len(lib.BACKENDS)], writable,
                    FILES[i % len(FILES)])
    checks.end()


if __name__ == "__main__":
    main()
