#!/usr/bin/env python3
"""What it costs: small operations and whole commands, natively and under each backend.

usage: bench.py [--rounds N] [--cpus N] [--json FILE] [NAME...]

Every round runs each way once (native, ptrace, seccomp, native, ...), so that a machine that
changes its pace changes it for all; the figures are medians over the rounds.  With one virtual CPU
the native run is bound to one CPU too.  The table goes to standard output, progress to standard
error.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.get("B") or os.path.join(TOP, "build"))
UKERNEL = os.path.join(BUILD, "ukernel")
MICRO = os.path.join(BUILD, "bench", "micro")
WAYS = ["native"] + (os.environ.get("BACKENDS") or "ptrace seccomp").split()

# name: (unit, ns in one unit, what it is, goal under ptrace, goal under seccomp).  A goal is a
# figure in that unit, or "Nx": that many times the native one.
OPERATIONS = {
    "getppid_inline": ("ns", 1, "getppid, syscall instruction", 3000, 2300),
    "getppid_libc": ("ns", 1, "getppid through libc", 3000, 2300),
    "clock_gettime": ("ns", 1, "clock_gettime (vDSO)", "1.1x", "1.1x"),
    "read_4k": ("ns", 1, "read 4 KiB", None, 3000),
    "open_fstat_close": ("ns", 1, "open + fstat + close", None, 10000),
    "pipe_round_trip": ("ns", 1, "pipe round trip", None, 9000),
    "futex_round_trip": ("ns", 1, "futex round trip", None, 6000),
    "signal_self": ("ns", 1, "signal to self, with handler", None, 9000),
    "map_touch_unmap": ("ns", 1, "mmap, touch, munmap: a page", None, 1500),
    "first_touch": ("ns", 1, "first touch of a page", "1.1x", "1.1x"),
    "fork_exit_wait": ("us", 1e3, "fork + exit + wait", 200, 200),
    "fork_exec_wait": ("us", 1e3, "fork + exec + wait, static", 500, 500),
    "cpu_loop": ("ns", 1, "CPU-bound loop, an iteration", "1.01x", "1.01x"),
    "cpu_loop_shared": ("ns", 1, "the same, two on one CPU", "1.01x", "1.01x"),
}
# name: (command, what it is, goals); milliseconds of wall time.
COMMANDS = {
    "true": (["true"], "start-up of `true`", 10, 10),
    "python3": (["python3", "-c", "pass"], "python3 -c pass", "3x", "3x"),
}
RUNS_OF_COMMAND = 11


def in_way(way, argv, cpus):
    if way != "native":
        return [UKERNEL, "run", "--backend", way, "--cpus", str(cpus), "--", *argv]
    if cpus == 1:
        return ["taskset", "-c", str(min(os.sched_getaffinity(0))), *argv]
    return list(argv)


def environment():
    env = dict(os.environ)
    env["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    return env


def measure_operation(name, way, cpus):
    got = subprocess.run(in_way(way, [MICRO, name], cpus), capture_output=True, text=True,
                         timeout=300, env=environment(), check=False)
    if got.returncode != 0:
        raise RuntimeError(got.stderr.strip().splitlines()[-1:] or got.returncode)
    return float(got.stdout) / OPERATIONS[name][1]


def measure_command(name, way, cpus):
    argv, took = in_way(way, COMMANDS[name][0], cpus), []
    if way == "native":
        argv = COMMANDS[name][0]  # taskset would be a second program to start
    for _ in range(RUNS_OF_COMMAND):
        began = time.monotonic()
        subprocess.run(argv, check=True, env=environment(), timeout=60,
                       stdout=subprocess.DEVNULL)
        took.append((time.monotonic() - began) * 1e3)
    return statistics.median(took)


def measure_all(names, rounds, cpus):
    """{name: {way: [figures]}}; None instead of a list where it failed."""
    figures = {name: {way: [] for way in WAYS} for name in names}
    for i in range(rounds):
        for name in names:
            for way in WAYS:
                print(f"\r\033[Kround {i + 1} of {rounds}: {name}, {way}", end="",
                      file=sys.stderr, flush=True)
                if figures[name][way] is None:
                    continue
                try:
                    measure = measure_operation if name in OPERATIONS else measure_command
                    figures[name][way].append(measure(name, way, cpus))
                except (RuntimeError, ValueError, subprocess.SubprocessError) as e:
                    print(f"\r\033[K{name}, {way}: {e}", file=sys.stderr)
                    figures[name][way] = None
    print("\r\033[K", end="", file=sys.stderr)
    return figures


def describe(name):
    if name in OPERATIONS:
        unit, _, what, *goals = OPERATIONS[name]
    else:
        _, what, *goals = COMMANDS[name]
        unit = "ms"
    return unit, what, goals


def number(x):
    return f"{x:.0f}" if x >= 1000 else f"{x:.3g}"


def goal_text(goal, native, value):
    """The goal, with a mark when it is missed."""
    if goal is None or native is None:
        return ""
    limit = float(goal[:-1]) * native if isinstance(goal, str) else goal
    return f"{goal if isinstance(goal, str) else number(goal)}" + (" !" if value > limit else "")


def table(figures):
    rows = [["work", "unit", "native"]]
    for way in WAYS[1:]:
        rows[0] += [way, "ratio", "goal"]
    for name, ways in figures.items():
        unit, what, goals = describe(name)
        goal_of = dict(zip(("ptrace", "seccomp"), goals))
        native = statistics.median(ways["native"]) if ways["native"] else None
        row = [what, unit, number(native) if native else "failed"]
        for way in WAYS[1:]:
            if not ways[way]:
                row += ["failed", "", ""]
                continue
            value = statistics.median(ways[way])
            row += [number(value), f"{value / native:.2f}" if native else "",
                    goal_text(goal_of.get(way), native, value)]
        rows.append(row)
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  ".join(cells).rstrip())


def main():
    parser = argparse.ArgumentParser(description="What ukernel costs.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("name", nargs="*")
    args = parser.parse_args()
    every = list(OPERATIONS) + list(COMMANDS)
    unknown = set(args.name) - set(every)
    if unknown:
        parser.error(f"no such measurement: {' '.join(sorted(unknown))}; there are "
                     f"{' '.join(every)}")
    figures = measure_all(args.name or every, args.rounds, args.cpus)
    table(figures)
    print(f"\n{args.cpus} virtual CPU, medians of {args.rounds} rounds; "
          "! marks a goal that is missed; goals were set on another machine.")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(figures, f, indent=1)


main()
