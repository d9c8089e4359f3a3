"""Runs the program under test."""
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from process import die_with_parent
from support.wait import DEADLINE, wait_for

SOURCE = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("BUILD_FOLDER", SOURCE / "build"))
PROGRAM = BUILD / "cli" / "weft"
WITH_FAILPOINTS = BUILD / "tests" / "faults" / "weft_failpoints"  # see streams/failpoint.h


def command_line(command, arguments, settings, program=PROGRAM):
    options = [word for name, value in (settings or {}).items() for word in ("-X", f"{name}={value}")]
    return [str(program), *command.split(), *map(str, arguments), *options]


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


class Background:
    """A weft that runs beside the test; its output is in NAME.out, its diagnostics in NAME.err."""

    def __init__(self, folder, name, command, environment):
        self.name = name
        self.out_file, self.err_file = folder / f"{name}.out", folder / f"{name}.err"
        with open(self.out_file, "wb") as out, open(self.err_file, "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder,
                                            env=environment, start_new_session=True, preexec_fn=die_with_parent)

    @property
    def out(self):
        return self.out_file.read_text(errors="replace")

    @property
    def err(self):
        return self.err_file.read_text(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def send(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, deadline=DEADLINE):
        """Waits until it has ended by itself and gives its exit status; -N when signal N ended it."""
        wait_for(lambda: not self.running(), f"the end of {self.name}:\n{self.err}", deadline)
        return self.process.returncode

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.wait()

    def kill(self):
        return self.stop(signal.SIGKILL)

    def wait_for_line(self, pattern, deadline=DEADLINE):
        """Waits for a line of output or diagnostics in which the pattern is found, and gives the match."""
        def search():
            match = re.search(pattern, self.out + self.err, re.MULTILINE)
            if not match and not self.running():
                status = self.process.returncode
                raise AssertionError(f"{self.name} ended with {status} before {pattern!r}:\n{self.err}")
            return match
        return wait_for(search, f"{pattern!r} from {self.name}:\n{self.err[-2000:]}", deadline)

    def clean_up(self):
        if self.running():
            self.kill()
        # ctest shows this for tests that fail, and only for these.
        print(f"--- {self.name} ended with {self.process.returncode}; the last of its diagnostics:", file=sys.stderr)
        print("\n".join(self.err.splitlines()[-30:]), file=sys.stderr)
