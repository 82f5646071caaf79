"""Fixtures: the event loops a test runs under, and a folder of its own.

`run(function, *args)` runs a coroutine function to its end. Tests that take it run once for each
loop; one that is not installed is reported as skipped. Inside, anyio's primitives work on all.
"""

import asyncio
import contextlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import yoda
import yoda.dbapi as db

Run = Callable[..., Any]

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
"""A query that ends only when it is cancelled."""


def run_asyncio(function: Callable[..., Any], *args: Any) -> Any:
    return asyncio.run(function(*args))


def run_uvloop(function: Callable[..., Any], *args: Any) -> Any:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(function(*args))


def run_trio(function: Callable[..., Any], *args: Any) -> Any:
    import trio

    return trio.run(function, *args)


LOOPS: dict[str, Run] = {"asyncio": run_asyncio, "uvloop": run_uvloop, "trio": run_trio}


def loop_runner(name: str) -> Run:
    """How to run under one loop; skips the test when it or anyio is not installed."""
    for module in (name, "anyio"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    return LOOPS[name]


@pytest.fixture(params=list(LOOPS))
def run(request: pytest.FixtureRequest) -> Run:
    return loop_runner(request.param)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A database that is not there yet."""
    return str(tmp_path / "test.db")


@pytest.fixture
def engine(path: str) -> Iterator[yoda.HtapEngine]:
    """An open engine with yoda's own batches, of which nothing runs by itself."""
    opened = yoda.HtapEngine(oltp_path=path, result="yoda", sync_interval=0)
    yield opened
    opened.shutdown()


@pytest.fixture
def connection(path: str) -> Iterator[db.Connection]:
    with contextlib.closing(db.connect(path, timeout=0.2)) as opened:
        yield opened


@pytest.fixture
def other(path: str, connection: db.Connection) -> Iterator[db.Connection]:
    """A second connection to the same file, by the same engine."""
    with contextlib.closing(db.connect(path, timeout=0.2)) as opened:
        yield opened


def count(connection: db.Connection, table: str = "t") -> int:
    [(found,)] = connection.execute(f"SELECT count(*) FROM {table}")
    return int(found)
