"""Runs example code that is not a program by itself, or not for the event loop wanted.

    run_block.py asyncio|anyio|trio FILE [BEFORE AFTER]
        BEFORE, the file and AFTER (both Python text) as one piece in one event loop; await is
        allowed outside of functions
    run_block.py program FILE
        a whole program; its anyio.run() means trio

The file's text is never changed.
"""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import runpy
import sys
from pathlib import Path
from types import CodeType
from typing import Any


def _compile(text: str, name: str) -> CodeType:
    return compile(text, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def _run_pieces(pieces: list[CodeType]) -> None:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for piece in pieces:
        waiting = eval(piece, namespace)
        if inspect.iscoroutine(waiting):
            await waiting


def _run_whole_on_trio(path: str) -> None:
    import anyio

    anyio.run = functools.partial(anyio.run, backend="trio")
    runpy.run_path(path, run_name="__main__")


def main(loop: str, path: str, before: str = "", after: str = "") -> None:
    if loop == "program":
        _run_whole_on_trio(path)
        return
    block = Path(path).read_text(encoding="utf-8")
    pieces = [_compile(before, "before"), _compile(block, path), _compile(after, "after")]
    if loop == "asyncio":
        asyncio.run(_run_pieces(pieces))
    else:
        import anyio

        anyio.run(_run_pieces, pieces, backend="trio" if loop == "trio" else "asyncio")


if __name__ == "__main__":
    main(*sys.argv[1:])
