#!/usr/bin/env python3
"""The scheduler lab: experiments on real programs, their numbers, and the page in a browser.

usage: lab.py [CHECK...]
"""
import csv
import glob
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib

import lib

BACKEND = lib.BACKENDS[-1]
CHROMIUM = shutil.which("chromium", path=lib.PATH)
CHROMIUM_FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
                  "--disable-background-networking --disable-component-update --disable-sync "
                  "--hide-scrollbars --enable-logging=stderr --v=0").split()
WORKLOAD = """
name "Test <&> workload"
about "Two that compute, one that types, one that is a command."
tick 1ms
task long cpu 60ms length=60ms
task short cpu 10ms length=10ms
task typist steps "run 1ms; sleep 5ms" times=12
task command run "for i in 1 2 3; do true; /bin/true; done" at=5ms
"""


# Points at the middle of the first row of the first chart, and makes what is said the title.
HOVER = """<script>
var svg = document.querySelector("svg.gantt"), bed = svg.querySelector(".bed").getBoundingClientRect();
svg.dispatchEvent(new MouseEvent("mousemove", { bubbles: true, clientX: bed.left + bed.width / 4,
	clientY: bed.top + bed.height / 2 }));
document.title = document.getElementById("tip").textContent;
</script>"""


class Box:
    def __init__(self):
        self.dir = lib.scratch("ukernel-lab.")

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def path(self, name):
        return os.path.join(self.dir, name)


def sched_run(*args, **kw):
    return lib.run([lib.UKERNEL, "sched", "run", "--backend", BACKEND, *args], seconds=60, **kw)


def by_task(run):
    return {t["task"]: t for t in run["per_task"]}


def work_ratio(run):
    """The long task's work to the short one's: 6 was asked for, but time that the host gives to
    others counts, too."""
    tasks = by_task(run)
    return tasks["long"]["cpu_ms"] / max(tasks["short"]["cpu_ms"], 0.001)


def numbers(checks, box):
    """What is true whatever the host does meanwhile."""
    file = box.write("w.wl", WORKLOAD)
    for _ in range(4):
        got = sched_run(file, "--sched", "fifo", "--sched", "rr:slice=2ms", "--json")
        try:
            runs = json.loads(got.out)
        except ValueError as e:
            checks.fail("lab/json", e, got.out[:500], got.err)
            return
        if all(2 < work_ratio(run) < 18 for run in runs if "long" in by_task(run)):
            break
    checks.check("lab/json", got.status == 0 and len(runs) == 2, got.err)
    for run in runs:
        tasks = by_task(run)
        name = run["sched"]
        checks.check(f"lab/{name}: all are done", {"long", "short", "typist"} <= set(tasks) and
                     all(t["completion_ms"] for t in tasks.values()), run)
        if "long" in tasks:
            ratio = work_ratio(run)
            checks.check(f"lab/{name}: work is what was asked for", 2 < ratio < 18, ratio)
    by_name = {run["sched"]: run for run in runs}
    fifo, rr = by_task(by_name["fifo"]), by_task(by_name["rr:slice=2ms"])
    checks.check("lab/fifo never preempts", all(t["preemptions"] == 0 for t in fifo.values()), fifo)
    checks.check("lab/fifo: the short one waits for the long one",
                 fifo["short"]["completion_ms"] > fifo["long"]["completion_ms"], fifo)
    checks.check("lab/rr: it does not", rr["short"]["completion_ms"] < rr["long"]["completion_ms"],
                 rr)


def outputs(checks, box):
    file = box.write("w.wl", WORKLOAD)
    got = sched_run(file, "--sched", "rr", "--csv")
    rows = list(csv.reader(io.StringIO(got.out)))
    checks.check("lab/csv", got.status == 0 and len(rows) >= 5 and
                 len({len(r) for r in rows}) == 1, got.out, got.err)
    got = sched_run(file, "--sched", "rr", "--sched", "sjf", "--repeat", "2")
    checks.check("lab/table", got.status == 0 and re.search(r"^rr +\d", got.out, re.M) and
                 re.search(r"^sjf +\d", got.out, re.M) and "of 2 runs" in got.out, got.out, got.err)
    got = sched_run(file, "--sched", "nosuch")
    checks.check("lab/unknown policy", got.status == 125 and len(got.err.splitlines()) == 1, got.err)
    got = sched_run(box.write("bad.wl", "task a cpu 5ms\ntask b wrong 5ms\n"))
    checks.check("lab/bad workload", got.status == 125 and "bad.wl:2:" in got.err, got.err)
    got = sched_run("no-such-workload")
    checks.check("lab/no workload", got.status == 125 and len(got.err.splitlines()) == 1, got.err)
    got = sched_run(box.write("w2.wl", "stop 100ms\ntask a cpu forever\ntask b run \"sleep 9\"\n"),
                    "--sched", "rr", "--json")
    tasks = json.loads(got.out)[0]["per_task"] if got.out else []
    checks.check("lab/stop", len(tasks) >= 2 and
                 not any(t["completion_ms"] for t in tasks if t["task"] != "sleep"), got.out, got.err)


def busy_host(checks, box):
    """What the host takes from the tasks is seen and said."""
    file = box.write("host.wl", "stop 500ms\ntask a cpu forever\ntask b periodic C=2ms T=10ms class=deadline\n")
    # Two for each CPU, and kept there: the host is slow to spread them.
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"],
                             preexec_fn=lambda cpu=cpu: os.sched_setaffinity(0, {cpu}))
            for cpu in 2 * sorted(os.sched_getaffinity(0))]
    try:
        got = sched_run(file, "--sched", "edf", "--json")
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    run = json.loads(got.out)[0] if got.status == 0 else {}
    checks.check("lab/the host's part", run and run["host_s"] > 0.02 * run["cpu_s"] and
                 run["missed_host"] <= run["missed"] and
                 abs(sum(t["host_ms"] for t in run["per_task"]) / 1e3 - run["host_s"]) < 1e-3, run, got.err)


def shipped(checks, box):
    """Every workload that is installed can be read and names policies that exist."""
    files = sorted(glob.glob(os.path.join(lib.TOP, "workloads", "*.wl")))
    checks.check("lab/shipped", len(files) >= 8, files)
    for file in files:
        got = lib.run([lib.UKERNEL, "sched", "sim", file, "--json"])
        checks.check(f"lab/simulated {os.path.basename(file)}", got.status == 0 and
                     json.loads(got.out), got.err)
    got = sched_run("convoy", "--json")
    runs = json.loads(got.out) if got.status == 0 else []
    done = {r["sched"]: {n: t["completion_ms"] for n, t in by_task(r).items()} for r in runs}
    good = done and done["fifo"]["A"] < done["fifo"]["B"] and done["sjf"]["B"] < done["sjf"]["A"]
    checks.check("lab/convoy", good, got.err, done)
    got = sched_run("inversion", "--json")
    runs = json.loads(got.out) if got.status == 0 else []
    done = {r["sched"]: {n: t["completion_ms"] for n, t in by_task(r).items()} for r in runs}
    good = done and done["prio:inherit=0"]["middle"] < done["prio:inherit=0"]["high"] and \
        done["prio:inherit=1"]["high"] < done["prio:inherit=1"]["middle"]
    checks.check("lab/inversion", good, got.err, done)


# --- the page ---

def png_pixels(path):
    """(width, height, rows of bytes, bytes a pixel) of an 8-bit PNG without interlace."""
    data = open(path, "rb").read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    at, packed = 8, b""
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at:at + 8])
        if name == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += 12 + size
    assert depth == 8 and kind in (2, 6)
    n = 3 if kind == 2 else 4
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * n)
    for y in range(height):
        line = bytearray(raw[y * (width * n + 1) + 1:(y + 1) * (width * n + 1)])
        how = raw[y * (width * n + 1)]
        for i in range(len(line)):
            a, b = (line[i - n] if i >= n else 0), before[i]
            c = before[i - n] if i >= n else 0
            if how == 1:
                line[i] = (line[i] + a) & 255
            elif how == 2:
                line[i] = (line[i] + b) & 255
            elif how == 3:
                line[i] = (line[i] + (a + b) // 2) & 255
            elif how == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                line[i] = (line[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        rows.append(line)
        before = line
    return width, height, rows, n


def colours(path):
    """How often each colour is there, of every second pixel of every second row."""
    width, _, rows, n = png_pixels(path)
    count = {}
    for row in rows[::2]:
        for x in range(0, width, 2):
            rgb = bytes(row[x * n:x * n + 3])
            count[rgb] = count.get(rgb, 0) + 1
    return count


def browse(box, page, *flags, fragment=""):
    """Open the page; what came to the console, and what was printed."""
    got = lib.run([CHROMIUM, *CHROMIUM_FLAGS, f"--user-data-dir={box.path('profile')}",
                   "--window-size=1000,900", *flags, f"file://{page}{fragment}"], seconds=60)
    return [line for line in got.err.splitlines() if "CONSOLE" in line], got


def looks(checks, name, png):
    """Blue and orange, the first two colours of the charts, on a page that is mostly light."""
    try:
        count = colours(png)
    except (OSError, AssertionError, struct.error, zlib.error) as e:
        checks.fail(name, repr(e))
        return
    total = sum(count.values())
    blue, orange = count.get(bytes((0, 0x72, 0xb2)), 0), count.get(bytes((0xe6, 0x9f, 0)), 0)
    light = sum(n for rgb, n in count.items() if min(rgb) > 0xe0)
    checks.check(name, blue > total / 500 and orange > total / 2000 and light > total / 2,
                 f"blue {blue}, orange {orange}, light {light} of {total}")


def page(checks, box):
    file, html = box.write("w.wl", WORKLOAD), box.path("page.html")
    got = sched_run(file, "--sched", "fifo", "--sched", "rr", "--html", html)
    text = open(html, encoding="utf-8").read() if got.status == 0 else ""
    checks.check("lab/page is written", "<svg" in text and text.rstrip().endswith("</html>"), got.err)
    checks.check("lab/page needs nothing else", not re.search(r"""(src|href)\s*=\s*["']?[^#"'\s]""", text)
                 and "url(" not in text and "@import" not in text)
    checks.check("lab/page quotes names", "Test &#60;&#38;&#62; workload" in text and
                 "Test <&>" not in text)
    got = lib.run([lib.UKERNEL, "run", "--backend", BACKEND, "--cpus", "2", "--gantt",
                   box.path("gantt.html"), "--sched-stats", "--", "sh", "-c",
                   "for i in 1 2 3; do sleep 0.01 & done; wait; exit 3"], cwd=box.dir)
    gantt = open(box.path("gantt.html"), encoding="utf-8").read()
    checks.check("lab/run --gantt", got.status == 3 and "CPU 1" in gantt and "sleep" in gantt, got.err)
    checks.check("lab/run --sched-stats", "sleep" in got.err and "switches" in got.err, got.err)
    if not CHROMIUM:
        checks.skip("lab/browser", "there is no chromium")
        return
    errors, got = browse(box, box.write("bad.html", "<script>console.error('seen')</script>"),
                         "--dump-dom")
    checks.check("lab/browser tells of errors", errors, got.err[-500:])
    for name in ("page.html", "gantt.html"):
        errors, got = browse(box, box.path(name), "--dump-dom")
        checks.check(f"lab/{name} in the browser", not errors and 'class="js"' in got.out,
                     *errors, got.err[-500:])
    errors, got = browse(box, html, f"--screenshot={box.path('a.png')}")
    looks(checks, "lab/picture", box.path("a.png"))
    errors, got = browse(box, html, f"--screenshot={box.path('b.png')}", fragment="#zoom=1000,9000")
    looks(checks, "lab/picture, zoomed", box.path("b.png"))
    checks.check("lab/zoom changes the picture", not errors and
                 open(box.path("a.png"), "rb").read() != open(box.path("b.png"), "rb").read(), *errors)
    errors, got = browse(box, box.write("hover.html", text + HOVER), "--dump-dom")
    said = re.search(r"<title>(.*?)</title>", got.out, re.S)
    checks.check("lab/hover", not errors and said and re.search(r"(runs|waits) [\d.]+ ", said[1]),
                 said and said[1], *errors)
    plain = re.sub(r"<script.*?</script>", "", text, flags=re.S)
    errors, got = browse(box, box.write("plain.html", plain), f"--screenshot={box.path('c.png')}")
    looks(checks, "lab/picture without a script", box.path("c.png"))


CHECKS = {f.__name__: f for f in (numbers, outputs, busy_host, shipped, page)}


def main():
    checks = lib.Checks()
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    for name, check in CHECKS.items():
        if names and name not in names:
            continue
        box = Box()
        try:
            check(checks, box)
        except (OSError, KeyError, IndexError, ValueError) as e:
            checks.fail(f"lab/{name}", repr(e))
        finally:
            lib.remove(box.dir)
    checks.end()


main()
