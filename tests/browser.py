"""A page in headless Chromium: is there anything to complain about, and what does it look like?"""
import os
import re
import shutil
import struct

import lib

NAMES = ("chromium", "chromium-browser", "google-chrome")
MESSAGE = re.compile(r":CONSOLE[(:]\d+\)?\]\s*(.*)")


def find():
    """The browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """messages: what the page said on the console; png: path of a screenshot, or None."""

    def __init__(self, messages, png, log):
        self.messages, self.png, self.log = messages, png, log

    def size(self):
        with open(self.png, "rb") as f:
            head = f.read(24)
        return struct.unpack(">II", head[16:24])


def show(html, where, width=1100, height=2400, seconds=60):
    """Open the file html; the screenshot is left in the directory where."""
    png = os.path.join(where, "page.png")
    got = lib.run([find(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--hide-scrollbars", "--enable-logging=stderr", "--v=0",
                   f"--user-data-dir={os.path.join(where, 'profile')}",
                   f"--window-size={width},{height}", f"--screenshot={png}",
                   "file://" + os.path.abspath(html)],
                  seconds=seconds, env=lib.environment(HOME=where))
    messages = MESSAGE.findall(got.err)
    return Page(messages, png if os.path.exists(png) else None, got.err)
