"""What a process occupies while it runs: resident memory and open descriptors, looked at twice a second.

    footprint = Footprint(process)
    ...                                                              it warms up
    warm = footprint.mark()
    ...
    footprint.stop()
    footprint.assert_flat(self, warm)
"""
import os
import statistics
import threading
from pathlib import Path

PERIOD_S = 0.5
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


class Footprint(threading.Thread):
    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.looks, self.over = process, [], threading.Event()
        self.start()

    def run(self):
        folder = Path("/proc") / str(self.process.pid)
        while not self.over.wait(PERIOD_S):
            try:
                resident = int((folder / "statm").read_text().split()[1]) * PAGE_KB
                self.looks.append((resident, len(os.listdir(folder / "fd"))))
            except (FileNotFoundError, ProcessLookupError, IndexError):
                return  # it has ended

    def stop(self):
        self.over.set()
        self.join()

    def mark(self):
        """Where the looks from now on begin."""
        return len(self.looks)

    def assert_flat(self, test, begin, slack_kb=0):
        """Of the time since begin, the second half against the first. Gives the medians of both. slack_kb: by which the
        allocator's own store may vary from one moment to the next, which a short run does not even out."""
        looks = self.looks[begin:]
        middle = len(looks) // 2
        halves = [[statistics.median(column) for column in zip(*half)] for half in (looks[:middle], looks[middle:])]
        (resident, files), (resident_after, files_after) = halves
        test.assertLess(resident_after, resident + max(0.02 * resident, slack_kb), "kB of resident memory")
        test.assertLessEqual(files_after, files, "descriptors")
        return {"resident_kb": [resident, resident_after], "descriptors": [files, files_after]}
