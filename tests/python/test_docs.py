"""docs/python.md tells the truth: every block runs, and prints what the comments there say.

A block ```python starts a program; blocks ```python continued go on with it. Each program runs in an empty
folder, as one piece in one event loop: await is allowed outside of functions.
`print(...)  # text` must print text.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from child import HERE, installed, succeeds

PAGE = HERE.parents[1] / "docs" / "python.md"
BLOCK = re.compile(r"^```python( continued)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^\s*print\(.*\)  # (.+)$", re.MULTILINE)
IMPORT = re.compile(r"^\s*(?:import|from) (\w+)", re.MULTILINE)
OURS = {"yoda", "asyncio", "contextlib", "datetime"}


def programs() -> list[str]:
    """Continuations are joined. Lines keep their numbers: tracebacks lead to the page."""
    found: list[str] = []
    text = PAGE.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        if block[1] is None:
            found.append("")
        line = text.count("\n", 0, block.start(2))
        found[-1] += "\n" * (line - found[-1].count("\n")) + block[2]
    return found


def test_every_block_belongs_to_a_program() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("```python") == len(BLOCK.findall(text))
    assert len(programs()) >= 8


@pytest.mark.parametrize(
    "program", programs(), ids=lambda text: f"line{text[: -len(text.lstrip())].count(chr(10)) + 1}"
)
def test_program_of_the_page(program: str, tmp_path: Path) -> None:
    missing = sorted(
        module for module in set(IMPORT.findall(program)) - OURS if not installed(module)
    )
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    file = tmp_path / "docs_python.py"
    file.write_text(program, encoding="utf-8")
    whole = "asyncio.run(" in program or "anyio.run(" in program or "trio.run(" in program
    command = [file] if whole else [HERE / "run_block.py", "asyncio", file]
    done = succeeds(tmp_path, *command)
    assert done.stdout.splitlines() == PROMISE.findall(program)
    assert not done.stderr, done.stderr
