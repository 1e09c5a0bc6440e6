#!/usr/bin/env python3
"""The benchmark suite and --costs: that they say what is so, not how quick anything is."""
import html.parser
import json
import os
import signal
import subprocess
import sys
import time

import browser
import lib

MEASURE = os.path.join(lib.BUILD, "bench", "measure")
BACKEND = lib.BACKENDS[-1]


def bench(*args, seconds=120):
    return lib.run([lib.UKERNEL, "bench", *args], seconds=seconds)


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def test_command_line(checks, where):
    got = bench("--list")
    listed = [line.split()[1] for line in got.out.splitlines()]
    checks.check("list", got.status == 0 and "getppid_inline" in listed and "redis" in listed,
                 got.out, got.err)
    own = lib.run([MEASURE, "--list"]).out.split()
    checks.check("list/measure", set(own) <= set(listed) and len(own) > 40, own)
    got = bench("nonsense")
    checks.check("unknown-name", got.status == 125 and "nonsense" in got.err, got.err)
    got = bench("--backend", "nonsense", "getpid")
    checks.check("unknown-backend", got.status == 125 and "nonsense" in got.err, got.err)
    got = bench("--install-peers")
    checks.check("install-peers", got.out.startswith("apt install ") and "proot" in got.out, got.out)


def test_run(checks, where):
    """One run, its table, its JSON, and its page."""
    out, page = os.path.join(where, "run.json"), os.path.join(where, "run.html")
    got = bench("--quick", "--rounds", "4", "getpid", "mask_in_out", "start_true", "floor", "--json",
                out, "--html", page)
    if not checks.check("run", got.status == 0 and "getpid" in got.out, got.status, got.out, got.err):
        return
    report = load(out)
    ways = {w["name"] for w in report["ways"] if "skipped" not in w}
    checks.check("run/ways", {"native", *lib.BACKENDS} <= ways, report["ways"])
    wrong = [r for r in report["results"]
             if "skipped" not in r and (len(r["rounds"]) != 4 or
             not min(r["rounds"]) <= r["q1"] <= r["median"] <= r["q3"] <= max(r["rounds"]))]
    checks.check("run/rounds", not wrong, wrong)
    medians = {(r["measure"], r["cores"], r["way"]): r.get("median") for r in report["results"]}
    slow = [b for b in lib.BACKENDS if not medians[("mask_in_out", "one", b)] >
            2 * medians[("mask_in_out", "one", "native")]]
    checks.check("run/trapped", not slow, slow, medians)  # a trap cannot be as quick as a call
    traps = {t["way"]: t["ns"] for t in report["trap"] if t["cores"] == "one"}
    checks.check("run/trap", set(lib.BACKENDS) <= set(traps), report["trap"])
    for way, phases in traps.items():
        checks.check(f"run/trap/{way}", len(phases) == 7 and all(v >= 0 for v in phases.values()) and
                     phases["handler"] > 0 and phases["return"] > 0, phases)
    check_page(checks, page, where)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.bars = self.outside = 0

    def handle_starttag(self, tag, attrs):
        self.bars += tag == "rect"
        self.outside += tag in ("script", "img", "iframe")
        self.outside += any(k in ("src", "href") and not v.startswith("data:") for k, v in attrs)


def check_page(checks, path, where):
    page = Page()
    with open(path, encoding="utf-8") as f:
        page.feed(f.read())
    checks.check("page", page.bars > 20 and page.outside == 0, page.bars, page.outside)
    if not browser.find():
        checks.skip("page/browser", "there is no chromium here")
        return
    shown = browser.show(path, where)
    checks.check("page/browser", shown.png and not shown.messages, *shown.messages, shown.log[-1000:])


def changed(report, way, factor):
    for r in report["results"]:
        if r["way"] == way:
            r["rounds"] = [x * factor for x in r["rounds"]]
    return report


def write(path, report):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(report, f)


def test_compare(checks, where):
    """A report made up here: what is slower, what is noise, and what only the machine's pace was."""
    def report(box, native):
        return {"format": "ukernel-bench", "version": 1, "rounds": 5, "quick": False,
                "ways": [{"name": "native", "kind": "native", "version": ""},
                         {"name": BACKEND, "kind": "backend", "version": ""}],
                "measures": [{"name": "m", "group": "call", "unit": "ns", "goal": "", "what": "m"}],
                "results": [{"measure": "m", "cores": "one", "way": "native", "rounds": native},
                            {"measure": "m", "cores": "one", "way": BACKEND, "rounds": box}]}
    old, new = os.path.join(where, "old.json"), os.path.join(where, "new.json")
    steady, box = [100, 101, 99, 100, 102], [2000, 2040, 1980, 2010, 1990]
    write(old, report(box, steady))

    def compare(name, box, native, status, *words):
        write(new, report(box, native))
        got = bench("compare", old, new)
        checks.check(f"compare/{name}", got.status == status and all(w in got.out for w in words),
                     got.status, got.out, got.err)
    compare("same", box, steady, 0, "0 slower, 0 quicker")
    compare("slower", [x * 1.2 for x in box], steady, 1, f"slower    +20.0 %  m, {BACKEND}",
            "1 slower, 0 quicker")
    compare("quicker", [x / 1.2 for x in box], steady, 0, "0 slower, 1 quicker")
    compare("pace", [x * 1.5 for x in box], [x * 1.5 for x in steady], 1, "slower    +50.0 %  m, native",
            "1 slower, 0 quicker, 1 the same")
    compare("noise", [2000, 2600, 1600, 2500, 1700], steady, 0, "0 slower, 0 quicker")
    # One round of five lies among the others: that may be an accident.
    compare("overlap", [2005, 2400, 2410, 2420, 2405], steady, 0, "0 slower, 0 quicker")
    compare("few", [2600, 2700], steady, 0, "fewer than 3 rounds")
    write(new, {"format": "other"})
    got = bench("compare", old, new)
    checks.check("compare/no-report", got.status == 125 and "new.json" in got.err, got.err)


def test_interrupt(checks, where):
    """Ctrl-C leaves what there is."""
    out = os.path.join(where, "cut.json")
    proc = subprocess.Popen([lib.UKERNEL, "bench", "--quick", "--one-core", "--backend", BACKEND, "--rounds",
                             "1000", "getpid", "--json", out], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=lib.environment(), start_new_session=True)
    for line in proc.stderr:
        if b"round 3 " in line:
            break
    proc.send_signal(signal.SIGINT)
    text = proc.communicate(timeout=30)[0].decode()
    report = load(out)
    checks.check("interrupt", proc.returncode == 130 and report["interrupted"] and "getpid" in text and
                 all(len(r["rounds"]) >= 2 for r in report["results"]), proc.returncode, text, report)


def test_failure(checks, where):
    """A way in which a measure fails has a word instead of a figure, and the rest goes on."""
    out = os.path.join(where, "bad.json")
    env = lib.environment()
    copy = os.path.join(where, "bin")
    os.makedirs(os.path.join(copy, "bench"))
    os.symlink(lib.UKERNEL, os.path.join(copy, "link"))
    subprocess.run(["cp", lib.UKERNEL, os.path.join(copy, "ukernel")], check=True)
    with open(os.path.join(copy, "bench", "measure"), "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\ncase $* in *getpid) echo figure 5;; *getppid_libc) echo skip no reason;; "
                "*) echo broken >&2; exit 3;; esac\n")
    os.chmod(f.name, 0o755)
    got = lib.run([os.path.join(copy, "ukernel"), "bench", "--quick", "--rounds", "1", "--one-core", "--backend",
                   BACKEND, "getpid", "getppid_libc", "getppid_inline", "--json", out], env=env, seconds=60)
    said = {r["measure"]: r for r in load(out)["results"] if r["way"] == "native"} if got.status == 0 else {}
    checks.check("failure", got.status == 0 and said["getpid"]["median"] == 5 and
                 said["getppid_libc"]["skipped"] == "no reason" and
                 said["getppid_inline"]["failed"] == "broken", got.out, got.err, said)


# What --costs is asked about: the shell waits, computes and calls.
WORK = "sleep 0.3; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; ls /usr/bin >/dev/null"


def costs(backend, cpus, where):
    path = os.path.join(where, "costs.json")
    began = time.monotonic()
    got = lib.box(["sh", "-c", WORK], backend, cpus, options=["--costs=json", "-o", path])
    return got, (time.monotonic() - began) * 1e9, load(path) if os.path.exists(path) else None


def test_costs(checks, where):
    for backend in lib.BACKENDS:
        for cpus in (1, 2):
            name = f"costs/{backend}/{cpus}"
            got, wall, report = costs(backend, cpus, where)
            if not checks.check(name, got.status == 0 and report, got.out, got.err):
                continue
            parts = report["parts_ns"]
            whole = report["wall_ns"]
            checks.check(f"{name}/sum", abs(sum(parts.values()) - whole) < .02 * whole and
                         abs(report["left_over_ns"]) < .02 * whole, report)
            # Starting our own program is not in it.
            checks.check(f"{name}/wall", .5 * wall < whole <= wall, whole, wall)
            checks.check(f"{name}/idle", 2.5e8 < parts["idle"] < wall, parts)
            calls = {c["name"]: c for c in report["calls"]}
            checks.check(f"{name}/calls", calls["getdents64"]["calls"] >= 2 and
                         calls["getdents64"]["copy_out_ns"] > 0 and calls["openat"]["copy_in_ns"] > 0 and
                         parts["guests"] > 0 and parts["traps"] > 0 and parts["spaces"] > 0, report)
    got = lib.box(["true"], BACKEND, options=["--costs"])
    checks.check("costs/table", got.status == 0 and "where the time went" in got.err and
                 "left over" in got.err and "execve" not in got.out, got.err)
    got = lib.box(["true"], BACKEND, options=["--costs=nonsense"])
    checks.check("costs/bad", got.status == 125, got.err)


TESTS = {"command-line": test_command_line, "run": test_run, "compare": test_compare,
         "interrupt": test_interrupt, "failure": test_failure, "costs": test_costs}


def main():
    only = [a for a in sys.argv[1:] if not a.startswith("--")]
    checks = lib.Checks()
    for name, test in TESTS.items():
        if only and name not in only:
            continue
        where = lib.scratch()
        try:
            test(checks, where)
        finally:
            lib.remove(where)
    checks.end()


main()
