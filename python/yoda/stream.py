"""Streaming results: `async for batch in engine.stream(sql):`.

The engine sends parts of the result as they are made, and at most `window` of them before the
reader has taken them: a reader that stops reading stops the query, not the memory. All parts are of
one snapshot.

A Stream that is forgotten half-read is cancelled when it is collected. For that its Parts, which
the operation in flight keeps, do not point back at it.
"""

from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from yoda import _yoda
from yoda.arrow import Converter
from yoda.errors import misuse
from yoda.port import Port
from yoda.protocol import Cancellable, Target


class _Credited(Cancellable, Protocol):
    def credit(self, parts: int) -> None: ...


class Parts:
    """The target of a streaming query: what has arrived and has not been read."""

    __slots__ = ("arrived", "ended", "error", "reader")

    def __init__(self) -> None:
        self.arrived: deque[_yoda.Result] = deque()
        self.ended = False
        self.error: BaseException | None = None
        self.reader: Target | None = None

    def done(self) -> bool:
        """Is there nothing more to come?"""
        return self.ended

    def part(self, result: _yoda.Result) -> None:
        """One more."""
        self.arrived.append(result)
        self._wake()

    def set_result(self, _: object) -> None:
        """These were all."""
        self.ended = True
        self._wake()

    def set_exception(self, error: BaseException) -> None:
        """It went wrong; what has arrived is right."""
        self.error = error
        self.set_result(None)

    def drop(self) -> None:
        """Nobody reads on."""
        self.arrived.clear()
        self.set_result(None)

    def wait(self, reader: Target, op: Cancellable) -> Cancellable:
        """Resolve reader when something happens."""
        self.reader = reader
        return op

    def _wake(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)


class Stream(AsyncIterator[Any]):
    """The record batches of a query, one after the other; at least one.

    The query begins with the first batch that is asked for. `async with engine.stream(...) as
    stream:` cancels it at the end of the block if it has not been read to its end; so does
    aclose().
    """

    route: Literal["column", "row"] | None = None
    """Which side runs it; known with the first batch."""
    reason: str | None = None
    """Why that side."""
    staleness_ms: int | None = None
    """Age of the snapshot; 0: fresh."""
    watermark: int | None = None
    """The last captured change the snapshot includes; -1 on the row side."""
    column_names: list[str] | None = None
    """The names of the columns."""

    def __init__(
        self, port: Port, args: tuple[Any, ...], timeout_ms: int, convert: Converter
    ) -> None:
        self._port = port
        self._args = args
        self._timeout_ms = timeout_ms
        self._convert = convert
        self._parts = Parts()
        self._batches: deque[_yoda.ArrowBatch] = deque()
        self._op: _Credited | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while not self._batches:
            part = await self._next_part()
            if self.route is None:
                self._describe(part)
            self._batches.extend(part.batches())
        return self._convert(self._batches.popleft())

    async def _next_part(self) -> _yoda.Result:
        parts = self._parts
        if parts.reader is not None:
            raise misuse("two tasks read one stream")
        while not parts.arrived and not parts.ended:
            try:
                await self._port.loop.suspend(parts.wait, self._begun())
            finally:
                parts.reader = None
        if parts.arrived:
            self._begun().credit(1)
            return parts.arrived.popleft()
        if parts.error is not None:
            raise parts.error
        raise StopAsyncIteration

    def _begun(self) -> _Credited:
        if self._op is None:
            started: Any = self._port.start(
                self._parts, self._port.queue.query, self._args, self._timeout_ms
            )
            self._op = started
        assert self._op is not None
        return self._op

    def _describe(self, part: _yoda.Result) -> None:
        self.route = part.route
        self.reason = part.reason
        self.staleness_ms = part.staleness_ms
        self.watermark = part.watermark
        self.column_names = part.column_names

    async def aclose(self) -> None:
        """Cancel what is left of the query. Idempotent; does not wait."""
        self._parts.drop()
        self._batches.clear()
        if self._op is not None:
            self._op.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        op = getattr(self, "_op", None)
        if op is not None and not self._parts.ended:
            op.cancel()
