#!/usr/bin/env python3
"""Policies on the command line: the list, one's own as a shared object, and what the watchdog does
with those that break the rules.

usage: policies.py [NAME...]
"""
import json
import os
import re
import subprocess
import sys

import lib

HERE = os.path.dirname(os.path.abspath(__file__))
BUSY = "for i in 1 2 3; do (x=0; while [ $x -lt 20000 ]; do x=$((x+1)); done) & done; wait; echo done"
# Hundreds of picks however fast the host is: its tasks sleep and wake all the time.
SWITCHING = "for i in 1 2 3; do (x=0; while [ $x -lt 30 ]; do y=$(echo); x=$((x+1)); done) & done; " \
            "wait; echo done"
# As long as another task runs, one that is lost looks like one that starves.
LOST = "(has lost|starves) task"
# What tests/policies/bad.c does wrong, on how many CPUs, what is said of it
BAD = [
    (1, 1, LOST), (1, 2, LOST), (2, 1, "which sleeps"),
    (3, 2, "but it runs on CPU"), (4, 1, "does not exist"), (5, 1, r"does not return in pick\(\)"),
    (6, 2, r"crashes \(bad address\) in pick\(\)"), (7, 1, LOST), (8, 1, "a slice of nothing"),
    (9, 1, r"divides by zero in pick\(\)"), (10, 1, r"crashes \(bad address\) in pick\(\)"),
    (11, 1, r"does not return in pick\(\)"), (13, 1, LOST),
    (14, 2, r"does not return in charge\(\)"), (15, 1, r"crashes \(bad address\) in pick\(\)"),
]


def ukernel(*args, **kw):
    return lib.run([lib.UKERNEL, *args], **kw)


def listing(checks, where):
    names = [l.split()[0] for l in ukernel("sched", "list").out.splitlines()]
    checks.check("policies/list", len(names) >= 12 and {"rr", "mlfq", "eevdf", "edf"} <= set(names),
                 names)
    for name in names:
        got = ukernel("sched", "show", name)
        checks.check(f"policies/show {name}", got.status == 0 and "Promises:" in got.out and
                     "Parameters" in got.out, got.out, got.err)
        got = ukernel("run", "--sched", name, "--cpus", "2", "--", "sh", "-c", BUSY)
        checks.check(f"policies/run {name}", got.status == 0 and got.out == "done\n",
                     got.status, got.out, got.err)
    for spec, say in (("rr:slice=never", "slice"), ("rr:quantum=5", "quantum"),
                      ("mlfq:queues=99", "queues"), ("mlfq:stay=perhaps", "stay"),
                      ("nice", "nice"), ("./none.so", "none.so"), ("rr:seed=x", "seed"),
                      ("lottery:slice", "slice"), ("mlfq:quantum=1/2/x", "quantum")):
        got = ukernel("run", "--sched", spec, "--", "true")
        checks.check(f"policies/refused: {spec}", got.status == 125 and say in got.err and
                     len(got.err.splitlines()) == 1, got.status, got.err)


def own(checks, where):
    got = ukernel("sched", "new", "mine", cwd=where)
    checks.check("policies/new", got.status == 0 and os.path.exists(where + "/mine/mine.c"), got.err)
    env = dict(lib.environment(), PKG_CONFIG_PATH="/nonexistent")
    made = subprocess.run(["make", "-C", where + "/mine", "CFLAGS=-O2 -Wall -Wextra -Werror"],
                          capture_output=True, text=True, env=env, check=False)
    checks.check("policies/the template builds", made.returncode == 0, made.stdout, made.stderr)
    got = ukernel("run", "--cpus", "2", "--sched", "./mine/mine.so:slice=2ms", "--", "sh", "-c", BUSY,
                  cwd=where)
    checks.check("policies/the template runs", got.status == 0 and got.out == "done\n" and
                 not got.err, got.status, got.out, got.err)
    got = ukernel("sched", "show", "./mine/mine.so", cwd=where)
    checks.check("policies/show mine.so", "mine: round robin" in got.out and "slice=TIME" in got.out,
                 got.out, got.err)
    for name in ("mine", "no-name", "9lives", "x" * 40, "a/b", "int"):
        got = ukernel("sched", "new", name, cwd=where)
        checks.check(f"policies/new refuses {name[:10]}", got.status == 125 and
                     len(got.err.splitlines()) == 1, got.status, got.err)


def installed(checks, where):
    """As a user has it: the installed program, the header that pkg-config names, no source tree."""
    if os.path.abspath(lib.BUILD) != os.path.join(lib.TOP, "build"):
        checks.skip("policies/installed", "another build")
        return
    prefix = where + "/usr"
    made = subprocess.run(["make", "-s", "-C", lib.TOP, "install", "DESTDIR=", "PREFIX=" + prefix],
                          capture_output=True, text=True, env=lib.environment(), check=False)
    checks.check("policies/make install", made.returncode == 0, made.stdout, made.stderr)
    env = lib.environment(PATH=f"{prefix}/bin:{lib.PATH}",
                          PKG_CONFIG_PATH=prefix + "/share/pkgconfig")
    got = lib.run(["pkg-config", "--cflags", "ukernel-policy"], env=env)
    checks.check("policies/pkg-config", got.out.strip() == f"-I{prefix}/include", got.out, got.err)
    got = lib.run(["ukernel-config", "--cflags", "--abi"], env=env)
    checks.check("policies/ukernel-config", got.out.split() == [f"-I{prefix}/include", "1"], got.out, got.err)
    got = lib.run(["sh", "-c", "ukernel sched new mine && make -s -C mine"], env=env, cwd=where)
    checks.check("policies/installed: the template builds", got.status == 0 and
                 os.path.exists(where + "/mine/mine.so"), got.out, got.err)
    for args in ("sched sim convoy --sched ./mine/mine.so", "sched run convoy --sched ./mine/mine.so",
                 "run --sched ./mine/mine.so:slice=2ms -- echo done"):
        got = lib.run([prefix + "/bin/ukernel", *args.split()], env=env, cwd=where, seconds=60)
        checks.check(f"policies/installed: {args.split()[0]} {args.split()[1]}", got.status == 0 and
                     ("done" in got.out), got.out, got.err)


def build_bad(where, name, *flags):
    subprocess.run(["gcc", "-O1", "-I", os.path.join(lib.BUILD, "include"), "-fPIC", "-shared", *flags,
                    "-o", f"{where}/{name}", os.path.join(HERE, "policies", "bad.c")], check=True)


def bad(checks, where):
    build_bad(where, "bad.so")
    got = ukernel("run", "--sched", "./bad.so", "--", "sh", "-c", BUSY, cwd=where)
    checks.check("policies/bad is good at first", got.status == 0 and not got.err, got.err)
    for kind, cpus, say in BAD:
        # On a busy host anybody may wait long: a short limit only where waiting is the defect.
        limit = "300ms" if say == LOST else "20s"
        for mode in ("rr", "end"):
            args = ["--sched-watchdog", f"{mode},{limit}", "--cpus", str(cpus), "--sched",
                    f"./bad.so:kind={kind}", "--timeout", "30"]
            got = ukernel("run", *args, "--", "sh", "-c", SWITCHING, cwd=where, seconds=35)
            good = got.status == 0 and got.out == "done\n" if mode == "rr" else got.status == 125
            checks.check(f"policies/bad {kind}, {cpus} cpus, {mode}",
                         good and re.search("policy bad .*" + say, got.err) and
                         len(got.err.splitlines()) == 1, got.status, got.out, got.err)


def bad_in_other_ways(checks, where):
    build_bad(where, "bad.so")
    got = ukernel("run", "--sched-watchdog", "rr,300ms", "--sched", "./bad.so:kind=16,after=1",
                  "--timeout", "20", "--", "sh", "-c",
                  "while :; do :; done & sleep 0.1; echo my turn; kill $!", cwd=where)
    checks.check("policies/never lets go", got.out == "my turn\n" and "starves" in got.err,
                 got.status, got.out, got.err)
    # In the C library a crash cannot be left: it is named, and ends.
    got = ukernel("run", "--sched", "./bad.so:kind=12", "--", "sh", "-c", SWITCHING, cwd=where)
    checks.check("policies/crashes in libc", got.status == 125 and "crashes" in got.err, got.err)
    # A policy of the list is not watched unless asked.
    loop = "while :; do :; done & sleep 0.1; echo my turn; kill $!"
    got = ukernel("run", "--sched-watchdog", "rr,300ms", "--sched", "coop", "--timeout", "20", "--",
                  "sh", "-c", loop)
    checks.check("policies/coop, watched", got.out == "my turn\n" and "coop starves" in got.err,
                 got.status, got.out, got.err)
    build_bad(where, "conserving.so", "-DCONSERVING")
    got = ukernel("run", "--sched", "./conserving.so:kind=13", "--", "sh", "-c", SWITCHING,
                  cwd=where)
    checks.check("policies/finds nobody", got.out == "done\n" and "pick() finds nobody" in got.err,
                 got.status, got.out, got.err)
    build_bad(where, "old.so", "-DABI=999")
    with open(where + "/empty.c", "w", encoding="ascii"):
        pass
    subprocess.run(["gcc", "-shared", "-o", where + "/empty.so", where + "/empty.c"], check=True)
    for name, say in (("old.so", "version 999"), ("empty.so", "SCHED_POLICY_EXPORT"),
                      ("empty.c", "cannot load")):
        got = ukernel("run", "--sched", "./" + name, "--", "true", cwd=where)
        checks.check(f"policies/refused: {name}", got.status == 125 and say in got.err and
                     len(got.err.splitlines()) == 1, got.status, got.err)
    for text in ("never", "rr,x", "", "rr,-1"):
        got = ukernel("run", "--sched-watchdog", text, "--", "true")
        checks.check(f"policies/refused: watchdog {text}", got.status == 125 and
                     "--sched-watchdog" in got.err, got.status, got.err)


def simulated(checks, where):
    """The watchdog in virtual time: the simulator need not know of it."""
    build_bad(where, "bad.so")
    convoy = os.path.join(lib.TOP, "workloads", "convoy.wl")
    for kind, say in ((1, "lost"), (3, "but it runs"), (4, "does not exist"), (6, "crashes"),
                      (7, "task"), (8, "slice of nothing"), (9, "divides"), (14, "charge()")):
        got = ukernel("sched", "sim", "--cpus", "2", "--sched", f"./bad.so:kind={kind},after=5",
                      convoy, cwd=where)
        checks.check(f"policies/simulated {kind}", got.status == 0 and say in got.err and
                     "3 of 3 tasks done" in got.out, got.status, got.out, got.err)
        got = ukernel("sched", "sim", "--cpus", "2", "--sched-watchdog", "end", "--sched",
                      f"./bad.so:kind={kind},after=5", convoy, cwd=where)
        checks.check(f"policies/simulated {kind}, end", got.status == 125 and say in got.err,
                     got.status, got.out, got.err)
    for how in ("sim", "run"):
        got = ukernel("sched", how, "--sched", "./bad.so:kind=1,after=5", "--json", convoy, cwd=where, seconds=60)
        checks.check(f"policies/{how} keeps what the watchdog said", got.status == 0 and
                     json.loads(got.out)[0]["watchdog"].startswith("scheduling policy bad "), got.out, got.err)
    got = ukernel("sched", "sim", "--sched-watchdog", "rr,50ms", "--sched", "fifo", convoy)
    checks.check("policies/simulated fifo starves", "fifo starves task" in got.err, got.err)


def storm(checks, where):
    """Everything that may be asked of a scheduler, at once, of each policy, watched."""
    source = os.path.join(HERE, "policies", "storm.c")
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-O1", "-w", "-pthread", "-static", "-o",
                    where + "/storm", source], check=True)
    for line in ukernel("sched", "list").out.splitlines():
        name = line.split()[0]
        if name in ("coop", "fifo"):  # they let nobody stop it
            continue
        got = ukernel("run", "--user", "root", "--cpus", "2", "--sched", name, "--sched-watchdog",
                      "end,30s", "--timeout", "45", "--", "./storm", "300", cwd=where, seconds=50)
        checks.check(f"policies/storm under {name}", got.status == 0 and got.out == "over\n",
                     got.status, got.out, got.err)


CHECKS = {f.__name__: f for f in (listing, own, installed, bad, bad_in_other_ways, simulated, storm)}


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        where = lib.scratch()
        try:
            check(checks, where)
        finally:
            lib.remove(where)
    checks.end()


main()
