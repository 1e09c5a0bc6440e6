#!/usr/bin/env python3
"""The lessons: every command of every page in docs/lessons is run, and must print what the page says.

usage: lessons.py [PAGE...]

A page's commands stand in indented blocks behind "$ "; what follows up to the next one is the
output.  Times, addresses and the spaces before them may differ; a line "..." stands for any lines,
" ..." at the end of one for any end.
"""
import os
import re
import sys

import lib

PAGES = os.path.join(lib.TOP, "docs", "lessons")
LESSONS = os.path.join(lib.BUILD, "guests", "lessons")


def commands(path):
    """[(command, [output lines])] of a page."""
    found, block = [], False
    for line in open(path, encoding="utf-8"):
        if not line.startswith("    "):
            block = block and not line.strip()
            continue
        text = line[4:].rstrip("\n")
        if text.startswith("$ "):
            found.append((text[2:], []))
            block = True
        elif block and found:
            found[-1][1].append(text)
    return found


def pattern(lines):
    """A regular expression for the output."""
    out = []
    for line in lines:
        if line.strip() == "...":
            out.append(r"(?:.*\n)*?")
            continue
        open_end = line.endswith(" ...")
        line = line[:-4] if open_end else line
        text = re.escape(line.strip())
        text = re.sub(r"\d+\\\.\d+", r"\\d+\\.\\d+", text)
        text = re.sub(r"0x[0-9a-f]+", "0x[0-9a-f]+", text)
        text = text.replace(r"timer\ interrupt", r"timer\ interrupt.*")
        out.append(r"[ ]*" + re.sub(r"(\\ )+", "[ ]+", text) + (r".*\n" if open_end else r"[ ]*\n"))
    return re.compile("".join(out) + r"\Z")


def page(checks, name):
    env = lib.environment(PATH=f"{lib.BUILD}:{lib.PATH}")
    for number, (command, lines) in enumerate(commands(os.path.join(PAGES, name)), 1):
        got = lib.run(["sh", "-c", "exec 2>&1; " + command], cwd=LESSONS, env=env)
        checks.check(f"lessons/{os.path.basename(name)[:-3]}/{number}", pattern(lines).match(got.out),
                     f"$ {command}", *lib.diff("\n".join(lines), got.out, "page", "now"))


def tour(checks):
    """docs/scheduling.md, whose commands need a compiler."""
    page(checks, "../scheduling.md")


def explain(checks):
    """--explain has its columns in place, goes to a file, and changes nothing."""
    out = os.path.join(lib.scratch(), "table")
    for backend in lib.BACKENDS:
        got = lib.box([os.path.join(LESSONS, "divide"), "catch"], backend,
                      options=["--explain", "-o", out])
        text = open(out, encoding="utf-8").read()
        wanted = ["initialise trap table", "start timer", "create entry in process list",
                  "allocate memory for program", "push on its stack: argv (2)", "fill registers",
                  "return-from-trap", "restore registers", "write(1, ", "sys_write returns",
                  "exception 0: divide error", "SIGFPE: push a frame", "exit_group(0)",
                  "free the memory", "remove process 2 from the process list"]
        at, missing = 0, []
        for want in wanted:
            found = text.find(want, at)
            if found < 0:
                missing.append(want)
            else:
                at = found
        checks.check(f"lessons/explain/{backend}", not missing and got.status == 0 and
                     got.out == "about to divide\nthe handler brought me back\n",
                     "not found in this order:", *missing, got.err)
        bad = [line for line in text.splitlines()[1:]
               if not re.match(r" *\d+\.\d{3} .{4}  ( {2}| {46}| {92})?\S|--- ", line)]
        checks.check(f"lessons/explain columns/{backend}", not bad, *bad[:5])
    lib.remove(os.path.dirname(out))


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("--")]
    checks = lib.Checks()
    for name in sorted(os.listdir(PAGES)):
        if name[0].isdigit() and (not names or name[:-3] in names):
            page(checks, name)
    if not names or "scheduling" in names:
        tour(checks)
    if not names or "explain" in names:
        explain(checks)
    checks.end()


main()
