"""Programs that tests start: Python with or without pyarrow, SQLite as another program uses it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yoda

HERE = Path(__file__).resolve().parent
DEADLINE_S = 120
"""Nothing here takes seconds; a child that hangs is killed after this."""

_SQLITE = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=60)
rows = connection.execute(sys.argv[2], json.loads(sys.argv[3])).fetchall()
connection.commit()
connection.close()
print(json.dumps(rows))
"""


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def environment(pyarrow: bool = True) -> dict[str, str]:
    """The child has the same yoda, maybe no pyarrow, and says what was never closed or awaited."""
    path = [str(Path(yoda.__file__).absolute().parents[1])]
    if not pyarrow:
        path.insert(0, str(HERE / "without_pyarrow"))
    path += [
        str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(":") if entry
    ]
    warnings = "default::RuntimeWarning,default::ResourceWarning"
    return {**os.environ, "PYTHONPATH": ":".join(path), "PYTHONWARNINGS": warnings}


def python(
    cwd: Path, *arguments: str | Path, pyarrow: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end, whatever that is."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(pyarrow),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def succeeds(
    cwd: Path, *arguments: str | Path, pyarrow: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run Python; it must exit with 0."""
    done = python(cwd, *arguments, pyarrow=pyarrow)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def sqlite(path: Path, sql: str, *parameters: Any) -> list[list[Any]]:
    """Run one statement on the file in a process that knows nothing of Yoda; its rows."""
    return json.loads(
        succeeds(path.parent, "-c", _SQLITE, path, sql, json.dumps(parameters)).stdout
    )
