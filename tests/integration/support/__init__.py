"""What the integration tests share. A test file needs: from support import ...

SharedCluster, OwnCluster   bases for test cases, and WeftTest for those that need no cluster; see case.py
wait_for                    waits until a condition holds
"""
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "cluster"), str(TESTS / "registries"), str(TESTS / "pubsub")]

from support.case import OwnCluster, SharedCluster, WeftTest  # noqa: E402
from support.wait import wait_for  # noqa: E402

__all__ = ["OwnCluster", "SharedCluster", "WeftTest", "wait_for"]
