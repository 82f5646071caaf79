"""Yoda: an embedded HTAP engine over a SQLite file.

    import asyncio, yoda

    async def main():
        async with await yoda.open("app.db") as engine:
            await engine.execute("CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, msg
            TEXT)") await engine.register_table("events")
            await engine.execute("INSERT INTO events (msg) VALUES (?)", ["hello"])
            batches = await engine.query("SELECT count(*) AS n FROM events")
            print(batches[0].to_pydict())

    asyncio.run(main())

It runs under asyncio, uvloop, anyio and trio. Programs without an event loop use yoda.dbapi (PEP
249).
"""

import os
from typing import Any

from yoda._yoda import version as _version
from yoda.batch import Column, Field, RecordBatch, Schema
from yoda.config import HtapConfig
from yoda.engine import HtapEngine
from yoda.errors import (
    BusyError,
    ClosedError,
    DatabaseError,
    DataError,
    Error,
    ForkedError,
    InFlightError,
    IntegrityError,
    InterfaceError,
    InternalError,
    InterruptedError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    TimeoutError,
    Warning,
)
from yoda.result import QueryResult, SyncResult, VerifyReport
from yoda.schema import TableSchema
from yoda.stream import Stream
from yoda.transaction import Transaction

__all__ = [
    "BusyError",
    "ClosedError",
    "Column",
    "DataError",
    "DatabaseError",
    "Error",
    "Field",
    "ForkedError",
    "HtapConfig",
    "HtapEngine",
    "InFlightError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "InterruptedError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "QueryResult",
    "RecordBatch",
    "Schema",
    "Stream",
    "SyncResult",
    "TableSchema",
    "TimeoutError",
    "Transaction",
    "VerifyReport",
    "Warning",
    "open",
    "version",
]

version = _version
"""The library, the linked SQLite, the kernels in use: "0.1.0 (SQLite 3.40.1, avx512)"."""
__version__ = _version.split()[0]


async def open(oltp_path: str | os.PathLike[str] = "yoda.db", **config: Any) -> HtapEngine:
    """Open a database beside the event loop; the keywords are those of HtapConfig.

    async with await yoda.open(oltp_path="app.db", sync_interval=0.5) as engine:
        ...
    """
    return await HtapEngine.create(HtapConfig(oltp_path, **config))
