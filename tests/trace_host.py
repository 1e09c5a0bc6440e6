"""The host's own account of the system calls that guests' processes executed.

The tracepoint raw_syscalls:sys_enter fires after ptrace and seccomp have had their say, so a call
that was trapped and skipped does not appear in it; one that the host carries out does.
"""
import glob
import os
import re
import subprocess
import tempfile

import lib

NAME = "ukernel-test-"


class HostTrace:
    """Use: trace = HostTrace(); trace.argv(...) starts it stopped; trace.follow(pid)."""

    def __init__(self):
        self.mounted, self.instance = None, None
        if os.getuid() != 0:
            raise PermissionError("only root may use the host's tracepoints")
        root = self.find_root()
        self.remove_left_over(root)
        self.instance = os.path.join(root, "instances", f"{NAME}{os.getpid()}")
        try:
            os.mkdir(self.instance)
            self.write("buffer_size_kb", "16384")
            self.write("options/event-fork", "1")
            self.write("trace_clock", "mono")
        except OSError as e:
            self.close()
            raise PermissionError(f"the host's tracepoints cannot be used: {e}") from e
        if not os.path.exists(os.path.join(self.instance, "events/raw_syscalls/sys_enter")):
            self.close()
            raise PermissionError("the host has no raw_syscalls tracepoint")

    def find_root(self):
        for root in ("/sys/kernel/tracing", "/sys/kernel/debug/tracing"):
            if os.path.isdir(os.path.join(root, "instances")):
                return root
        root = tempfile.mkdtemp(prefix="ukernel-tracefs.")
        if subprocess.run(["mount", "-t", "tracefs", "none", root], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            os.rmdir(root)
            raise PermissionError("tracefs cannot be mounted here")
        self.mounted = root
        return root

    @staticmethod
    def remove_left_over(root):
        """Of a test that was killed: it would slow down every system call of the host."""
        for path in glob.glob(os.path.join(root, "instances", NAME + "*")):
            if os.path.exists("/proc/" + path.rsplit("-", 1)[1]):
                continue
            try:
                with open(os.path.join(path, "set_event"), "w", encoding="ascii") as f:
                    f.write("\n")
                os.rmdir(path)
            except OSError:
                pass

    def write(self, name, text):
        with open(os.path.join(self.instance, name), "w", encoding="ascii") as f:
            f.write(text)

    @staticmethod
    def stopped(argv):
        """argv, to be continued when it has been followed."""
        return ["sh", "-c", 'kill -STOP $$; exec "$@"', "sh", *argv]

    def follow(self, pid):
        """All that pid and its descendants execute, but not pid itself: that is the supervisor."""
        self.write("set_event_pid", str(pid))
        self.write("events/raw_syscalls/sys_enter/filter", f"common_pid != {pid}")
        self.write("events/raw_syscalls/sys_enter/enable", "1")

    def calls(self):
        """[(pid, number, [six arguments])], and how many events were lost."""
        self.write("events/raw_syscalls/sys_enter/enable", "0")
        found = []
        with open(os.path.join(self.instance, "trace"), encoding="utf-8", errors="replace") as f:
            for line in f:
                m = re.search(r"-(\d+) +\[\d+\].*sys_enter: NR (-?\d+) \(([^)]*)\)", line)
                if m:
                    args = [int(a, 16) for a in m.group(3).split(", ")]
                    found.append((int(m.group(1)), int(m.group(2)), args))
        lost = 0
        for cpu in os.listdir(os.path.join(self.instance, "per_cpu")):
            with open(os.path.join(self.instance, "per_cpu", cpu, "stats"), encoding="ascii") as f:
                lost += sum(int(x) for x in re.findall(r"^(?:overrun|dropped events): (\d+)",
                                                       f.read(), re.M))
        return found, lost

    def close(self):
        if self.instance and os.path.isdir(self.instance):
            os.rmdir(self.instance)
        if self.mounted:
            subprocess.run(["umount", self.mounted], check=False)
            os.rmdir(self.mounted)


def number_names():
    """{number: name} from the kernel's own table."""
    with open(os.path.join(lib.TOP, "ukernel", "syscalls.def"), encoding="utf-8") as f:
        return {int(n): name for n, name in re.findall(r"^SYSCALL\((\d+),\s*(\w+)", f.read(), re.M)}
