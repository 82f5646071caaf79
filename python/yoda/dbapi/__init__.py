"""Yoda for synchronous programs: the Python Database API 2.0 (PEP 249).

    import yoda.dbapi

    with contextlib.closing(yoda.dbapi.connect("app.db")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS sales(id INTEGER PRIMARY KEY, amount REAL)")
        connection.register_table("sales")
        with connection:  # commits, or rolls back after an exception
            connection.executemany("INSERT INTO sales(amount) VALUES (?)", [(9.5,), (33.0,)])
        cursor = connection.execute("SELECT count(*), sum(amount) FROM sales")
        print(cursor.fetchone(), cursor.route)

It behaves as sqlite3 does, with these differences:

- Queries outside a transaction go where the router says; `cursor.route` and `cursor.reason` tell.
- An error of "no rows to fetch" is raised, as PEP 249 says, where sqlite3 gives None.
- Every transaction takes the write lock when it begins. Threads may share a connection.
- Queries outside a transaction do not see what belongs to the connection that writes: TEMP tables,
  attached databases, last_insert_rowid(), changes(). Ask between BEGIN and COMMIT.
- Parameters must be exactly those of the statement; a mapping may not have more.
- PRAGMA name = value sets it for all connections of the engine.
- A transaction that SQLite has undone (a write was interrupted, the disk is full) stays open until
  rollback(); its commit() is an error.
- executemany() is all or nothing. A commit that fails rolls back. Releasing the outermost savepoint
  leaves its transaction open.
"""

import os
from typing import Final

from yoda._yoda import (
    BusyError,
    ClosedError,
    DatabaseError,
    DataError,
    Engine,
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
from yoda.dbapi import _engines
from yoda.dbapi._connection import Connection
from yoda.dbapi._cursor import Cursor
from yoda.dbapi._types import (
    ANY,
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
    TypeObject,
)
from yoda.engine import HtapEngine

__all__ = [
    "ANY",
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "BusyError",
    "ClosedError",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "ForkedError",
    "InFlightError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "InterruptedError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "TimeoutError",
    "Timestamp",
    "TimestampFromTicks",
    "TypeObject",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]

apilevel: Final = "2.0"
threadsafety: Final = 2
"""Threads may share the module and connections, whose calls are serialised; not cursors."""
paramstyle: Final = "qmark"
""""?" with a sequence; ":name" with a mapping works as well."""


def connect(
    path: str | os.PathLike[str] | None = None,
    *,
    engine: HtapEngine | Engine | None = None,
    timeout: float | None = None,
    autocommit: bool = False,
    statement_timeout: float | None = None,
    **options: _engines.Option | None,
) -> Connection:
    """Open the database at a path, or one more connection to an engine that is open.

    path               a file, made if there is none, or ":memory:". Connections of one process to
                       the same file with the same options share an engine.
    engine             an HtapEngine instead of the path; it has to outlive the connection's use
    timeout            seconds that a call waits for another writer before BusyError; 5 unless told
    autocommit         True: every statement commits by itself
    statement_timeout  seconds that a statement may take before TimeoutError; None: any time
    options            of the engine, by the names of docs/options.md: read_pool_size=8, threads=2
    """
    if (path is None) == (engine is None):
        raise TypeError("connect() takes a path or an engine")
    if engine is not None and (timeout is not None or options):
        raise TypeError("timeout and options belong to the engine, which is open already")
    if engine is not None:
        shared = _engines.borrow(engine)
    else:
        if timeout is not None:
            options.setdefault("busy_timeout_ms", round(timeout * 1000))
        shared = _engines.acquire(os.fspath(path or ""), options)
    try:
        return Connection(shared, autocommit, statement_timeout)
    except BaseException:
        _engines.release(shared)
        raise
