"""Waiting for a condition instead of for a time."""
import time

DEADLINE = 120  # seconds: generous, as it is only ever used up by a test that fails


def wait_for(condition, what, deadline=DEADLINE):
    """Gives the first true value of condition(); what completes "not within 120 s: "."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.02)
    return value
