"""A process that outlives the program that started it, and is known again by the next one."""
import ctypes
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from jars import Failure

DEADLINE = 120  # seconds for a condition that normally holds within a few: a loaded machine is slow, not broken
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the program's name."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def stat(pid):
    """State and start time of a process, or None: both at once tell it from another that got its pid later."""
    try:
        fields = stat_fields(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, threads, started = fields[0], int(fields[17]), fields[19]
    # While others of its threads are still ending, what they hold, a port say, is not free.
    return "R" if state in "ZX" and threads > 1 else state, started


def cpu_seconds(pid):
    """User and system time so far."""
    fields = stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid, field):
    """VmRSS, what is resident; VmHWM, the most that ever was."""
    return int(re.search(rf"{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))


class Process:
    """NAME.pid in the folder holds pid and start time; NAME.log what the process prints, over all its starts."""

    def __init__(self, folder, name):
        self.name = name
        self.log = folder / f"{name}.log"
        self.pid_file = folder / f"{name}.pid"
        self.child = None
        self.log_start = 0

    def pid(self):
        """Its process id, or None when it does not run."""
        if self.child:
            self.child.poll()  # reaps it
        try:
            pid, started = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        now = stat(pid)
        return int(pid) if now and now[0] not in "ZX" and now[1] == started else None

    def start(self, command, tied):
        """tied: the process is killed when the thread that called this ends, however that comes."""
        self.log.touch()
        self.log_start = self.log.stat().st_size
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          start_new_session=True, preexec_fn=die_with_parent if tied else None)
        self.pid_file.write_text(f"{self.child.pid} {stat(self.child.pid)[1]}")

    def wait_until(self, ready, deadline=DEADLINE):
        """Waits for ready() to hold; a Failure with the log's end when the process ends first or time is up."""
        end = time.monotonic() + deadline
        while not ready():
            if not self.pid():
                raise Failure(f"{self.name} ended before it was ready:\n{self.tail()}")
            if time.monotonic() > end:
                raise Failure(f"{self.name} is not ready after {deadline} s:\n{self.tail()}")
            time.sleep(0.02)

    def send(self, number):
        if pid := self.pid():
            os.kill(pid, number)

    def stop(self, number=signal.SIGTERM, grace=20):
        """Waits until it is gone, and takes SIGKILL when it is still there after grace seconds."""
        self.send(number)
        self.send(signal.SIGCONT)
        self.wait_gone(grace)

    def wait_gone(self, grace=20):
        end = time.monotonic() + grace
        while self.pid():
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
            time.sleep(0.02)
        self.pid_file.unlink(missing_ok=True)

    def output(self):
        """What the process has printed since its last start."""
        with open(self.log, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def tail(self, lines=20):
        last = self.output().splitlines()[-lines:]
        return "\n".join(["  ...", *(f"  {line}" for line in last), f"  ({self.log})"])
