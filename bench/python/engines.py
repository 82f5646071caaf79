"""The two sides under one set of names: how each is opened, and the settings both run with.

Durability is the same: SQLite in WAL mode with synchronous=NORMAL, the default of both. The
reference's log is read 100,000 entries at a time, Yoda's default, instead of its 1,000: it is
faster so. Everything else is as the packages come, except that Yoda's background sync is off where
the sync itself is timed, so that the call does the work.
"""

import importlib
import resource
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

SIDES = ("yoda", "rhei")
NAMES = {"yoda": "Yoda", "rhei": "rhei-engine"}

_SETTINGS: dict[str, dict[str, Any]] = {"yoda": {}, "rhei": {"sync_batch_size": 100_000}}
_NO_BACKGROUND: dict[str, dict[str, Any]] = {"yoda": {"sync_interval_ms": 0}, "rhei": {}}


def module(side: str) -> ModuleType:
    return importlib.import_module(side)


async def open_engine(side: str, path: Path, background_sync: bool = True) -> Any:
    settings = dict(_SETTINGS[side])
    if not background_sync:
        settings |= _NO_BACKGROUND[side]
    return await module(side).open(oltp_path=str(path), **settings)


async def create_table(
    side: str, engine: Any, table: str, columns: Sequence[tuple[str, str]], declaration: str
) -> None:
    """CREATE TABLE and register_table; the first column is the key."""
    await engine.execute(f"CREATE TABLE {table}({declaration})")
    await register(side, engine, table, columns)


async def register(
    side: str, engine: Any, table: str, columns: Sequence[tuple[str, str]]
) -> None:
    await engine.register_table(
        module(side).TableSchema(table, list(columns), [columns[0][0]])
    )


def first_value(batches: Sequence[Any]) -> Any:
    """The one value of a result of one row and one column."""
    (values,) = batches[0].to_pydict().values()
    return values[0]


def peak_memory() -> int:
    """Bytes: the most this process ever had resident, imports and warm-up included."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                # ru_maxrss would start with what the parent had before the exec.
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
