"""Transactions: `async with engine.transaction() as tx:`.

A transaction is a lease of the write connection (BEGIN IMMEDIATE). It is committed when the block
ends well and rolled back when it ends with an exception or a cancellation. The ending itself is
shielded: a cancellation that comes while it is under way takes effect when the lease is free again.
"""

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from yoda import _yoda
from yoda.errors import misuse
from yoda.port import Port
from yoda.protocol import Parameters
from yoda.result import QueryResult
from yoda.units import Seconds, timeout_ms

if TYPE_CHECKING:
    from yoda.engine import HtapEngine


class Transaction:
    """One transaction: made by HtapEngine.transaction(), used once, on one event loop.

    Its statements run in the order of their calls. One that fails is undone alone and leaves the
    transaction open: what becomes of it is decided by whether the exception leaves the block.
    """

    __slots__ = ("_engine", "_port", "_raw", "_task", "_timeout_ms", "_used")

    def __init__(self, engine: "HtapEngine", timeout: Seconds) -> None:
        self._engine = engine
        self._timeout_ms = timeout_ms(timeout)
        self._port: Port | None = None
        self._raw: _yoda.Transaction | None = None
        self._task: object = None
        self._used = False

    @property
    def ended(self) -> bool:
        """Has it been committed or rolled back, or not yet begun?"""
        return self._raw is None

    async def execute(self, sql: str, params: Parameters = None, *, timeout: Seconds = None) -> int:
        """Run one statement and answer how many rows it changed."""
        port, raw, ms = *self._open(), timeout_ms(timeout)
        changes: int = await port.run(port.queue.txn_execute, (raw, sql, params, ms), ms)
        return changes

    async def executemany(self, sql: str, rows: Iterable[Any], *, timeout: Seconds = None) -> int:
        """Run one statement with each row of parameters: all or none of them."""
        port, raw, ms = *self._open(), timeout_ms(timeout)
        listed = rows if isinstance(rows, list | tuple) else list(rows)
        changes: int = await port.run(port.queue.txn_execute_many, (raw, sql, listed, ms), ms)
        return changes

    async def query(
        self, sql: str, params: Parameters = None, *, timeout: Seconds = None
    ) -> QueryResult:
        """Run one SELECT on SQLite. It sees what the transaction has written. Also an INSERT, UPDATE or DELETE
        with RETURNING, for its rows."""
        port, raw, ms = *self._open(), timeout_ms(timeout)
        result = await port.run(port.queue.txn_query, (raw, sql, params, ms), ms)
        return QueryResult(result, self._engine._convert)

    def _open(self) -> tuple[Port, _yoda.Transaction]:
        if self._raw is None or self._port is None:
            state = "has ended" if self._used else "has not begun"
            raise misuse(f"the transaction {state}", "use it inside its async with block")
        return self._port, self._raw

    async def __aenter__(self) -> Self:
        if self._used:
            raise misuse("a transaction is used once", "call engine.transaction() for each block")
        port = self._port = self._engine._port_for_write()
        self._used = True
        self._raw = await port.run(port.queue.begin, (self._timeout_ms,), self._timeout_ms)
        self._task = port.loop.task()
        self._engine._holders[self._task] = self
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        port, raw = self._open()
        self._raw = None
        self._engine._holders.pop(self._task, None)
        self._task = None
        if kind is None:
            await port.finish(port.queue.commit, (raw,))
        elif not issubclass(kind, GeneratorExit):
            await self._roll_back(port, raw)
        # else: the coroutine is thrown away and nothing can be awaited: the handle rolls back
        return False

    async def _roll_back(self, port: Port, raw: _yoda.Transaction) -> None:
        try:
            await port.finish(port.queue.rollback, (raw,))
        except _yoda.Error:  # rolled back before, by SQLite or a shutdown: the block's own
            pass  # exception says why
