#!/usr/bin/env python3
"""--trace beside strace: the same program, line by line.

usage: trace.py [CHECK...]
"""
import os
import re
import shutil
import sys

import lib

# What must differ: addresses, and who is who.
MASKS = [
    (re.compile(r"0x[0-9a-f]{5,}"), "ADDR"),
    (re.compile(r"(si_utime|si_stime|tv_nsec|tv_usec)=\d+"), r"\1=T"),
    (re.compile(r" +(= |\?)"), r" \1"),
]


def normalised(text):
    """The lines from getppid() on, with every process called by its rank, one process after the
    other: in which order two of them run is nobody's promise."""
    ranks, begun, lines, on = {}, {}, [], False
    for line in text.splitlines():
        pid, _, rest = line.partition(" ")
        ranks.setdefault(pid, f"P{len(ranks) + 1}")
        rest = rest.strip()
        on = on or rest.startswith("getppid")
        if not on or rest.startswith("getppid"):
            continue
        # A line that was broken off depends on who runs when: put it together again.
        if rest.endswith("<unfinished ...>"):
            begun[pid] = rest[:-len("<unfinished ...>")].rstrip()
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
        if resumed and pid in begun:
            start, end = begun.pop(pid), rest[resumed.end():]
            rest = start + (" " if start.endswith(",") else "") + end
        for pattern, to in MASKS:
            rest = pattern.sub(to, rest)
        lines.append((pid, rest))
    out = []
    for pid, rest in lines:
        for other, rank in 2 * list(ranks.items()):
            rest = re.sub(rf"(si_pid=|kill\(|kill\(P\d, ){other}\b", rf"\g<1>{rank}", rest)
            rest = re.sub(rf"^((getpid|gettid|vfork|wait4|rt_sigreturn)\b.* = ){other}$", rf"\g<1>{rank}",
                          rest)
        out.append(f"{ranks[pid]} {rest}")
    return sorted(out, key=lambda line: line.partition(" ")[0])


def traced(argv, output, cwd):
    got = lib.run([*argv], cwd=cwd)
    with open(output, errors="replace") as f:
        return got, normalised(f.read())


def beside_strace(checks):
    program = os.path.join(lib.BUILD, "guests", "tracee")
    strace = shutil.which("strace", path=lib.PATH)
    if not strace:
        checks.skip("trace/beside strace", "there is no strace")
        return
    box = lib.scratch("ukernel-trace.")
    theirs_file, ours_file = os.path.join(box, "theirs"), os.path.join(box, "ours")
    got, theirs = traced([strace, "-f", "-o", theirs_file, program], theirs_file, box)
    if not theirs:
        checks.skip("trace/beside strace", f"strace does not work here: {got.err.strip()}")
        return
    for backend in lib.BACKENDS:
        got, ours = traced([lib.UKERNEL, "run", "--backend", backend, "--rw", box, "--trace", "-o",
                            ours_file, "--", program], ours_file, box)
        different = [f"strace: {t}\nours:   {o}" for t, o in zip(theirs, ours) if t != o]
        if len(theirs) != len(ours):
            different.append(f"{len(theirs)} lines by strace, {len(ours)} by us")
        checks.check(f"trace/beside strace ({backend})", not different, "\n".join(different))
    shutil.rmtree(box, ignore_errors=True)


def patches(checks):
    """--trace=patch names each place that makes calls, and says what became of it."""
    program = os.path.join(lib.BUILD, "guests", "call_sites")
    got = lib.box([program], "turbo", 1, ["--trace=patch"], seconds=60)
    if got.status == 125:
        checks.skip("trace/patch", got.err.strip())
        return
    where = r"call_sites\+0x[0-9a-f]+ at 0x[0-9a-f]+: "
    for what, line in [("a number and a call", rf"patch: jump \S*{where}call 121, mov\+syscall"),
                       ("by dead bytes", rf"patch: jump \S*{where}gap"),
                       ("left alone", rf"patch: (leave|left) \S*call_sites.*no dead bytes"),
                       ("counts", r"patch: calls: \d+ by mailbox, .*\d+ caught; \d+ sites")]:
        checks.check(f"trace/patch: {what}", re.search(line, got.err), got.err[-1500:])


def main():
    checks = lib.Checks(sys.argv[1:])
    beside_strace(checks)
    patches(checks)
    checks.end()


main()
