"""Opening and closing leaves nothing behind: a small share of what bench/python/cycles.py does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CYCLES = 300
PROGRAM = Path(__file__).resolve().parents[2] / "bench" / "python" / "cycles.py"


def test_cycles_leak_nothing(tmp_path: Path) -> None:
    """YODA_CYCLES sets another number of cycles."""
    if not PROGRAM.exists():
        pytest.skip("no bench folder beside the tests")
    cycles = os.environ.get("YODA_CYCLES", str(CYCLES))
    command = [sys.executable, PROGRAM, "--cycles", cycles, "--folder", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing leaks" in done.stdout
