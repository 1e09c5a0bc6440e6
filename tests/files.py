#!/usr/bin/env python3
"""What a guest sees of host files that others change meanwhile: --files mixed, shared, exclusive.

usage: files.py [MODE...]

A shell in the box does one line after the other, and between two of them the host's directory is
changed from outside.
"""
import os
import subprocess
import sys
import time

import lib

BACKEND = lib.BACKENDS[-1]


class Shell:
    def __init__(self, cwd, *options):
        argv = [lib.UKERNEL, "run", "--backend", BACKEND, *options, "--", "/bin/sh"]
        self.proc = subprocess.Popen(argv, cwd=cwd, env=lib.environment(), text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)

    def do(self, line):
        """What the line prints."""
        self.proc.stdin.write(line + "\necho . $?\n")
        self.proc.stdin.flush()
        out = []
        while not out or not out[-1].startswith(". "):
            got = self.proc.stdout.readline()
            if not got:
                break
            out.append(got.rstrip("\n"))
        return " ".join(out[:-1])

    def end(self):
        self.proc.stdin.close()
        self.proc.wait(timeout=20)


LOOK = 'for f in new old gone dir/x; do if [ -e $f ]; then echo $f; fi; done; if read a <old; then echo $a; fi'
BEFORE, AFTER = "old gone dir/x one", "new old dir/x two"


def prepare(where):
    os.mkdir(os.path.join(where, "dir"))
    for name, text in (("old", "one\n"), ("gone", "x\n"), ("dir/x", "x\n")):
        with open(os.path.join(where, name), "w", encoding="ascii") as f:
            f.write(text)
        os.utime(os.path.join(where, name), (1e9, 1e9))


def change(where):
    """A file appears, one goes, one takes the place of another, a directory is replaced."""
    for name, text in (("new", "new\n"), ("next", "two\n")):
        with open(os.path.join(where, name), "w", encoding="ascii") as f:
            f.write(text)
    os.rename(os.path.join(where, "next"), os.path.join(where, "old"))
    os.remove(os.path.join(where, "gone"))
    os.rename(os.path.join(where, "dir"), os.path.join(where, "was"))
    os.mkdir(os.path.join(where, "dir"))
    os.rename(os.path.join(where, "was", "x"), os.path.join(where, "dir", "x"))


def one(checks, name, options, at_once, later):
    """at_once: what is seen right after the change; None: it does not matter.  later: the same
    after more than the second for which things are believed."""
    where = lib.scratch()
    os.chmod(where, 0o755)
    prepare(where)
    sh = Shell(where, *(o.replace("@", where) for o in options))
    got = sh.do(LOOK)
    checks.check(f"files/{name}: before", got == BEFORE, got)
    change(where)
    got = sh.do(LOOK)
    if at_once:
        checks.check(f"files/{name}: at once", got == at_once, got)
    time.sleep(1.2)
    got = sh.do(LOOK)
    checks.check(f"files/{name}: later", got == later, got)
    got = sh.do("echo three >own; read a <own; echo $a; mv own mine; [ -e own ]; echo $?; rm mine; "
                "[ -e mine ]; echo $?")
    checks.check(f"files/{name}: its own changes", got == "three 1 1", got)
    sh.end()
    lib.remove(where)


def output_file(checks):
    """The file that the box prints to is seen through the root, too, and grows."""
    where = lib.scratch()
    os.chmod(where, 0o755)
    argv = [lib.UKERNEL, "run", "--backend", BACKEND, "--", "/bin/sh", "-c",
            "wc -c <log; wc -c <log; wc -c <log"]
    with open(os.path.join(where, "log"), "w", encoding="ascii") as log:
        subprocess.run(argv, cwd=where, env=lib.environment(), stdout=log, timeout=20, check=False)
    with open(os.path.join(where, "log"), encoding="ascii") as log:
        got = log.read()
    checks.check("files/mixed: what the box prints to", got == "0\n2\n4\n", got)
    lib.remove(where)


def main():
    checks = lib.Checks()
    only = sys.argv[1:]
    # The text of old is asked for by opening it, which finds out that another is in its place.
    frozen = "old gone dir/x one"
    cases = {
        "mixed, below the root": ([], None, AFTER),
        "mixed, bound": (["--rw", "@"], AFTER, AFTER),
        "shared": (["--files", "shared"], AFTER, AFTER),
        "exclusive": (["--files", "exclusive"], frozen, frozen),
    }
    for name, case in cases.items():
        if not only or name in only:
            one(checks, name, *case)
    output_file(checks)
    checks.end()


if __name__ == "__main__":
    main()
