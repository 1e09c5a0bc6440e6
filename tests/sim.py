#!/usr/bin/env python3
"""`ukernel sched sim`: what it prints, in each form, and that it prints it twice.

usage: sim.py [NAME...]
"""
import csv
import glob
import io
import json
import os
import sys

import lib


def sim(*args, **kw):
    return lib.run([lib.UKERNEL, "sched", "sim", *args], **kw)


def workload(where, name, *lines):
    path = os.path.join(where, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))
    return path


def textbook(checks, where):
    """The book's example, by the words of the manual page."""
    path = workload(where, "ostep.wl", "task a io burst=5 sleep=5 total=20", "task b cpu 10")
    got = sim(path, "--sched", "mlfq:queues=3,quantum=5,boost=20", "--json")
    found = json.loads(got.out)[0] if got.status == 0 else {}
    checks.check("sim/textbook", found.get("response_ms") == 2.5 and
                 found.get("turnaround_ms") == 27.5, got.out, got.err)


def why(checks, where):
    path = workload(where, "why.wl", "task hog cpu 30", "task late cpu 5 at=18")
    got = sim(path, "--sched", "mlfq:queues=3,quantum=5,boost=20", "--why")
    lines = got.out.splitlines()
    wanted = ["because: quantum used up, demoted to Q1", "because: boost: all tasks go to Q2",
              "late         arrives", "hog          is preempted on CPU 0", "hog          is done"]
    checks.check("sim/why", got.status == 0 and
                 all(any(w in line for line in lines) for w in wanted), got.out, got.err)


def late_boost(checks, where):
    """Boosts at 50 and 100 ms, when nobody waits: hog has 7 ms left of its quantum at 103 ms."""
    path = workload(where, "lone.wl", "task hog cpu 200", "task late cpu 5 at=103")
    got = sim(path, "--sched", "mlfq:queues=3,quantum=10,boost=50", "--json")
    tasks = {t["task"]: t for t in json.loads(got.out)[0]["per_task"]} if not got.status else {}
    checks.check("sim/a boost that nobody saw", tasks and tasks["late"]["response_ms"] == 7 and
                 tasks["hog"]["preemptions"] < 4, got.out, got.err)


def forms(checks, where):
    path = workload(where, "forms.wl", "sched rr", "sched fifo", "seed 3",
                    'task "a" cpu 1ms..5ms count=30', "task io io burst=~1ms sleep=4ms times=9")
    got = sim(path, "--json")
    found = json.loads(got.out) if got.status == 0 else []
    checks.check("sim/json", [f["sched"] for f in found] == ["rr", "fifo"] and
                 all(len(f["per_task"]) == 31 and f["done"] == 31 for f in found), got.err)
    got = sim(path, "--csv")
    rows = list(csv.DictReader(io.StringIO(got.out)))
    sums = [r for r in rows if r["task"] == "(all)"]
    rows = [r for r in rows if r["task"] != "(all)"]
    checks.check("sim/csv", len(rows) == 62 and not any(None in r or None in r.values() for r in rows) and
                 all(float(r["turnaround_ms"]) >= float(r["cpu_ms"]) and
                     len(r["slices"].split()) == 24 for r in rows), got.out)
    checks.check("sim/csv sums", len(sums) == 2 and all(float(r["throughput"]) > 0 and
                 0 < float(r["fairness"]) <= 1 and float(r["turnaround_ms"]) > 0 and
                 not (None in r or None in r.values()) for r in sums), sums)
    got = sim(path)
    checks.check("sim/groups", "a x30" in got.out and "a.7" not in got.out and
                 "side by side" in got.out, got.out, got.err)
    got = sim(path, "--tasks")
    checks.check("sim/tasks", "a.7 " in got.out, got.out)
    page = os.path.join(where, "page.html")
    got = sim(path, "--html", page)
    with open(page, encoding="utf-8") as f:
        text = f.read()
    checks.check("sim/html", got.status == 0 and "<svg" in text and "Virtual time" in text,
                 got.err, text[:300])


def repeatable(checks, where):
    path = workload(where, "random.wl", "cpus 4", "task a cpu ~20ms count=100 at=0..300ms",
                    "task b io burst=~2ms sleep=~9ms times=20 count=20",
                    "task c lock hold=~1ms before=1 sleep=~3ms times=9 count=9",
                    "task d fork cpu=1..9 depth=3 width=3")
    for name in lib.run([lib.UKERNEL, "sched", "list"]).out.split("\n"):
        if not name:
            continue
        args = (path, "--sched", name.split()[0], "--seed", "5", "--why")
        first, second = sim(*args, seconds=60), sim(*args, seconds=60)
        checks.check(f"sim/repeatable {name.split()[0]}", first.status == 0 and
                     first.out == second.out and len(first.out) > 30000,
                     first.status, first.err)
    got = sim(path, "--sched", "fair", "--repeat", "3", "--json")
    found = [f["turnaround_ms"] for f in json.loads(got.out)]
    checks.check("sim/repeat has other seeds", len(set(found)) == 3, found)
    again = sim(path, "--sched", "fair", "--seed", "1", "--json")
    checks.check("sim/repeat counts up", json.loads(again.out)[0]["turnaround_ms"] == found[1],
                 found)


def shipped(checks):
    """Each; those about real commands say how long these are taken to compute."""
    for path in sorted(glob.glob(os.path.join(lib.TOP, "workloads", "*.wl"))):
        name = os.path.basename(path)[:-3]
        got = sim(name)
        checks.check(f"sim/shipped {name}", got.status == 0 and "response" in got.out, got.out,
                     got.err)


def errors(checks, where):
    bad = workload(where, "bad.wl", "# a line", "task a cpu 5ms", "task b cpu 5parsec")
    good = workload(where, "good.wl", "task a cpu 5ms")
    command = workload(where, "command.wl", "task a run true")
    cases = [
        ((bad,), "bad.wl:3: cpu '5parsec' is not a time"),
        (("nosuch",), "no workload 'nosuch'"),
        ((), "wants a workload"),
        ((good, "--sched", "nosuch"), "scheduling policy 'nosuch': there is none"),
        ((good, "--cpus", "65"), "--cpus"),
        ((good, "--sched", "rr:slice=0"), "slice=0 is out of range"),
        ((good, "--json", "--why"), "--why"),
        ((good, "--frob"), "--frob"),
        ((command,), "command.wl:1: task a is a command"),
    ]
    for args, says in cases:
        got = sim(*args)
        checks.check(f"sim/error {says}", got.status == 125 and says in got.err and not got.out,
                     got.status, got.out, got.err)


def compare(checks, where):
    """The box does the same work in the same order; how long it takes is the host's business."""
    path = workload(where, "compare.wl", "task a cpu 20ms", "task b cpu 40ms at=5ms")
    got = sim(path, "--sched", "fifo", "--sched", "rr", "--compare", seconds=60)
    checks.check("sim/compare", got.status == 0 and got.out.count("apart by") == 2 and
                 got.out.count("\nb ") == 2, got.out, got.err)
    page = os.path.join(where, "compare.html")
    got = sim(path, "--sched", "fifo", "--sched", "rr", "--compare", "--json", "--html", page, seconds=60)
    found = json.loads(got.out) if got.status == 0 else []
    fifo = found[0] if found else {}
    checks.check("sim/compare --json", [f["sched"] for f in found] == ["fifo", "rr"] and
                 fifo["groups"][1]["simulated"]["turnaround_ms"] == 55 and
                 fifo["groups"][1]["real"]["turnaround_ms"] > 50 and
                 0 < fifo["turnaround_apart"] < 10 and fifo["share_apart"] < 0.5 and
                 len(fifo["real"]["per_task"]) >= 2 and fifo["simulated"]["done"] == 2,
                 got.out, got.err)
    with open(page, encoding="utf-8") as f:
        text = f.read()
    checks.check("sim/compare --html", "fifo, simulated" in text and "rr, real" in text, text[:300])


def main():
    checks = lib.Checks(a for a in sys.argv[1:] if not a.startswith("--"))
    where = lib.scratch()
    textbook(checks, where)
    why(checks, where)
    late_boost(checks, where)
    forms(checks, where)
    repeatable(checks, where)
    shipped(checks)
    errors(checks, where)
    compare(checks, where)
    lib.remove(where)
    checks.end()


main()
