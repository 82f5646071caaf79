"""HtapEngine: the asynchronous interface.

Every method that does work is `async def`: a call that is not awaited never runs, and Python warns.
The work is done on the engine's threads; awaiting it blocks no loop. Cancelling the task cancels
the operation, and does not wait for it.

One engine serves any number of event loops and threads. Each loop gets a port (port.py) at its
first call. Ports are kept under a weak key: a loop that was closed and forgotten takes its port
with it, one that was closed while operations were in flight is swept up at the next new loop.
"""

import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from yoda import _yoda, arrow, lifetime, loop
from yoda.batch import RecordBatch
from yoda.config import HtapConfig
from yoda.errors import ClosedError, NotSupportedError, ProgrammingError, closed, forked, misuse
from yoda.ingest import IngestMode, check_mode, stream_capsule
from yoda.opening import off_loop
from yoda.port import Port
from yoda.protocol import Parameters, Side
from yoda.result import QueryResult, SyncResult, VerifyReport
from yoda.schema import TableSchema
from yoda.stream import Stream
from yoda.transaction import Transaction
from yoda.units import Seconds, staleness_ms, timeout_ms


class HtapEngine:
    """A database file, its columnar side, and the threads that serve both.

        async with await yoda.open("app.db") as engine:
            await engine.execute("INSERT INTO t VALUES (?, ?)", [1, "one"])
            batches = await engine.query("SELECT count(*) AS n FROM t")

    The constructor opens at once and blocks meanwhile; create() and yoda.open() open beside the
    event loop.

    Everywhere: sql is one statement, with ? and :name parameters given as a sequence or a mapping;
    timeout is in seconds, waiting included, and ends in yoda.TimeoutError. What fails raises a
    yoda.Error.
    """

    def __init__(self, config: HtapConfig | None = None, /, **options: Any) -> None:
        self._config = _settled(config, options)
        self._convert = arrow.converter(self._config.result)
        self._ports: weakref.WeakKeyDictionary[Any, Port] = weakref.WeakKeyDictionary()
        self._holders: weakref.WeakKeyDictionary[Any, Transaction] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()  # signal handlers may call shutdown() while it is held
        self._pid = os.getpid()
        self._closed = False
        self._raw = _yoda.Engine(self._config.path(), self._config.options())
        lifetime.begin(self)

    @classmethod
    async def create(cls, config: HtapConfig | None = None, /, **options: Any) -> Self:
        """Open beside the event loop. When the task is cancelled, what was opened is shut down."""
        here = loop.adapt(loop.running())
        return await off_loop(
            here, lambda: cls(config, **options), lambda engine: engine.shutdown()
        )

    # ---- Its life ----

    @property
    def config(self) -> HtapConfig:
        """What it was opened with."""
        return self._config

    @property
    def path(self) -> str:
        """The file."""
        return self._config.path()

    @property
    def closed(self) -> bool:
        """Has it been shut down?"""
        return self._closed or self._raw.closed

    def shutdown(self) -> None:
        """Refuse new work, cancel queries, end the writes, write a checkpoint, close the files.

        Synchronous, idempotent, and safe from any thread, a signal handler or atexit. Tasks that
        wait for operations get their results, or yoda.InterruptedError. In a forked child nothing
        happens.
        """
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._closed = True
            ports = list(self._ports.values())
            self._ports.clear()
        try:
            self._raw.shutdown()
        finally:
            lifetime.end(self)
            for port in ports:
                port.retire_soon()

    def interrupt(self) -> None:
        """Cancel every operation of the engine, on all loops."""
        self._raw.interrupt()

    async def __aenter__(self) -> Self:
        if self.closed:
            raise closed()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not self.closed:
                port = self._port()
                await port.run(port.queue.shutdown, ())
        except ClosedError:
            pass  # by somebody else, meanwhile
        finally:
            self.shutdown()

    def __del__(self) -> None:
        if getattr(self, "_raw", None) is None or self.closed or os.getpid() != self._pid:
            return
        try:
            lifetime.warn(self)
        finally:
            self.shutdown()

    def __repr__(self) -> str:
        return f"<yoda.HtapEngine {self.path!r} {'closed' if self.closed else 'open'}>"

    # ---- Writing ----

    async def execute(self, sql: str, params: Parameters = None, *, timeout: Seconds = None) -> int:
        """Run a statement, or several without parameters, and answer how many rows changed."""
        port, ms = self._port_for_write(), timeout_ms(timeout)
        changes: int = await port.run(port.queue.execute, (sql, params, ms), ms)
        return changes

    async def executemany(self, sql: str, rows: Iterable[Any], *, timeout: Seconds = None) -> int:
        """Run one statement with each row of parameters, in one transaction: all or nothing."""
        port, ms = self._port_for_write(), timeout_ms(timeout)
        listed = rows if isinstance(rows, list | tuple) else list(rows)
        changes: int = await port.run(port.queue.execute_many, (sql, listed, ms), ms)
        return changes

    async def execute_batch(self, statements: Sequence[str], *, timeout: Seconds = None) -> int:
        """Run the statements in one transaction: all or nothing. Several calls at once queue."""
        if isinstance(statements, str):
            raise misuse("execute_batch takes a list of statements", "execute() runs a single one")
        port, ms = self._port_for_write(), timeout_ms(timeout)
        changes: int = await port.run(port.queue.execute_batch, (list(statements), ms), ms)
        return changes

    async def ingest(
        self, table: str, data: Any, *, mode: IngestMode = "append", timeout: Seconds = None
    ) -> int:
        """Insert the rows of Arrow data in one transaction, and answer how many: all or nothing.

        data is anything with __arrow_c_stream__ or __arrow_c_array__: tables, batches and readers
        of pyarrow, data frames of polars and pandas, relations of DuckDB, results of query().
        Columns are matched by name.

        mode  append: into a table that is there; create: make it, an error when there is one;
              create_append: make it when there is none; replace: delete what is in it before
        """
        check_mode(mode)
        port, ms = self._port_for_write(), timeout_ms(timeout)
        capsule = await off_loop(port.loop, lambda: stream_capsule(data))
        rows: int = await port.run(port.queue.ingest, (table, capsule, mode, ms), ms)
        return rows

    def transaction(self, *, timeout: Seconds = None) -> Transaction:
        """`async with engine.transaction() as tx:`, committed at the end of the block, rolled back
        when an exception or a cancellation leaves it. Other writes wait meanwhile. timeout is that
        of the beginning."""
        return Transaction(self, timeout)

    # ---- Querying ----

    async def query(
        self,
        sql: str,
        params: Parameters = None,
        *,
        timeout: Seconds = None,
        side: Side = "auto",
        max_staleness: Seconds = None,
    ) -> QueryResult:
        """Run one SELECT and answer its record batches, at least one, as a list.

        side           "auto": the router chooses; "row": SQLite; "column": the columns, or a
                       NotSupportedError that says why not
        max_staleness  seconds the snapshot may lag behind; None: as configured; math.inf: any
        """
        port, ms = self._port(), timeout_ms(timeout)
        args = (sql, params, ms, side, staleness_ms(max_staleness))
        return QueryResult(await port.run(port.queue.query, args, ms), self._convert)

    async def query_olap(
        self,
        sql: str,
        params: Parameters = None,
        *,
        timeout: Seconds = None,
        max_staleness: Seconds = None,
    ) -> QueryResult:
        """query() on the columns, whatever the router would choose.

        What the columns cannot answer (a table that is not registered, a function that only SQLite
        has) is answered by SQLite all the same: the result's route and reason tell.
        query(side="column") insists.
        """
        try:
            return await self.query(
                sql, params, timeout=timeout, side="column", max_staleness=max_staleness
            )
        except NotSupportedError:
            return await self.query(sql, params, timeout=timeout, max_staleness=max_staleness)

    async def query_oltp(
        self, sql: str, params: Parameters = None, *, timeout: Seconds = None
    ) -> QueryResult:
        """query() on SQLite, whatever the router would choose."""
        return await self.query(sql, params, timeout=timeout, side="row")

    def stream(
        self,
        sql: str,
        params: Parameters = None,
        *,
        window: int = 8,
        timeout: Seconds = None,
        side: Side = "auto",
        max_staleness: Seconds = None,
    ) -> Stream:
        """Run one SELECT and read its batches while they are made.

            async for batch in engine.stream("SELECT * FROM t"):
                ...

        The query runs at most window parts ahead of its reader. timeout counts the reader's time.
        """
        if window < 1:
            raise misuse(f"stream: window {window} is not 1 or more")
        ms = timeout_ms(timeout)
        args = (sql, params, ms, side, staleness_ms(max_staleness), window)
        return Stream(self._port(), args, ms, self._convert)

    async def explain(self, sql: str, params: Parameters = None, *, analyze: bool = False) -> str:
        """How a query would run: the side, why, and the columnar plan as a tree. analyze: run it,
        drop its rows, and say what each step took."""
        if not analyze:
            lines = await self.query(f"EXPLAIN YODA {sql}", params)
            return "\n".join(str(row[0]) for row in lines.to_tuples())
        profile = await self.query(f"EXPLAIN YODA ANALYZE {sql}", params)
        return "\n".join(_profile_line(row) for row in profile.to_pylist())

    # ---- Registered tables, upkeep ----

    async def register_table(self, table: TableSchema | str, *, timeout: Seconds = None) -> None:
        """Mirror a table into the columns, and return when its rows are copied and visible.

        With a name alone all columns are taken. The same registration again is fine; a different
        one is an error. It is kept in the file.
        """
        port, ms = self._port_for_write(), timeout_ms(timeout)
        args = (
            (table, None, ()) if isinstance(table, str) else (table.name, table.columns, table.key)
        )
        await port.run(port.queue.register_table, (*args, ms), ms)

    async def unregister_table(self, name: str, *, timeout: Seconds = None) -> None:
        """Drop a table's columns. Its rows in SQLite stay."""
        port, ms = self._port_for_write(), timeout_ms(timeout)
        await port.run(port.queue.unregister_table, (name, ms), ms)

    async def sync_now(self, *, timeout: Seconds = None) -> SyncResult:
        """Bring the columns up to the last commit."""
        port, ms = self._port(), timeout_ms(timeout)
        counts = list(await port.run(port.queue.sync, (ms,), ms))
        counts[4] = counts[4] or None
        return SyncResult(*counts)

    async def checkpoint(self, *, timeout: Seconds = None) -> None:
        """Make the columns durable up to their watermark and prune the log."""
        port, ms = self._port(), timeout_ms(timeout)
        await port.run(port.queue.checkpoint, (ms,), ms)

    async def verify(
        self, table: str | None = None, *, repair: bool = False, timeout: Seconds = None
    ) -> VerifyReport:
        """Compare both sides at one snapshot, value by value. repair: copy anew what differs."""
        port, ms = self._port(), timeout_ms(timeout)
        return VerifyReport(*await port.run(port.queue.verify, (table, repair, ms), ms))

    async def status(self) -> dict[str, Any]:
        """Watermarks, lag, sizes, counters, and the last error of background work."""
        return self._raw.status()

    async def tables(self) -> list[dict[str, Any]]:
        """The registered tables: name, state, rows, segments, bytes, ..."""
        return await self._inspect("tables")

    async def options(self) -> list[dict[str, Any]]:
        """All options of the engine: name, type, value, default, range, help."""
        return await self._inspect("options")

    async def _inspect(self, kind: Any) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            return QueryResult(self._raw.inspect(kind), RecordBatch).to_pylist()

        return await off_loop(self._port().loop, ask)

    # ---- Ports ----

    def _port(self) -> Port:
        try:
            key = loop.running()
        except ProgrammingError:  # asyncio does not carry its running loop over a fork
            if os.getpid() != self._pid:
                raise forked() from None
            raise
        port = self._ports.get(key)
        return self._new_port(key) if port is None else port

    def _port_for_write(self) -> Port:
        port = self._port()
        if self._holders and port.loop.task() in self._holders:
            raise misuse(
                "this task has a transaction open, and the call would wait for its end",
                "call the methods of the transaction, or leave its block first",
            )
        return port

    def _new_port(self, key: Any) -> Port:
        if self._closed:
            raise closed()
        port = Port(self._raw, loop.adapt(key))
        with self._lock:
            self._sweep()
            if not self._closed:
                self._ports[key] = port
                return port
        port.retire()
        raise closed()

    def _sweep(self) -> None:
        """Drop the ports of loops that ended with operations in flight, which point at them."""
        for key, port in list(self._ports.items()):
            if port.loop.ended():
                del self._ports[key]
                port.queue.close()


def _settled(config: HtapConfig | None, options: dict[str, Any]) -> HtapConfig:
    if config is None:
        return HtapConfig(**options)
    if not isinstance(config, HtapConfig):
        raise TypeError(f"config: an HtapConfig, not {type(config).__qualname__}")
    if options:
        raise misuse(f"an HtapConfig and keywords ({', '.join(options)}): give one of the two")
    return config


def _profile_line(row: dict[str, Any]) -> str:
    counted = [f"{row[name]} {name}" for name in ("rows", "ms", "spilled") if row[name]]
    return f"{row['plan']}  [{', '.join(counted)}]" if counted else str(row["plan"])
