"""The event loop a call runs under: asyncio's, uvloop's or trio's.

A Loop is what the rest of the package needs from one of them, and holds it weakly: the loop points
at its readers, and these at the queue, so nothing may point back.
"""

import asyncio
import sys
import weakref
from asyncio import _get_running_loop  # type: ignore[attr-defined,unused-ignore]
from collections.abc import Callable
from typing import Any, Protocol

from yoda.errors import misuse
from yoda.protocol import Cancellable, Target


class Loop(Protocol):
    """One running event loop."""

    def suspend(self, start: Callable[..., Cancellable], *args: Any) -> Any:
        """Awaitable: call start(target, *args), wait until the target is resolved, and answer its
        value. When the waiting ends otherwise (the task is cancelled), what start returned is
        cancelled."""

    def finish(self, start: Callable[..., Cancellable], *args: Any) -> Any:
        """Awaitable: as suspend, but cancelling takes effect only when the target has been
        resolved."""

    def watch(self, fd: int, callback: Callable[[], object]) -> None:
        """Call back on the loop whenever fd is readable."""

    def unwatch(self, fd: int) -> None:
        """Stop that. On the loop; when the loop is closed nothing is left to stop."""

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Have the loop call back. Any thread. RuntimeError when the loop has ended."""

    def later(self, seconds: float, callback: Callable[[], object]) -> None:
        """Have the loop call back after a while."""

    def task(self) -> object:
        """The running task."""

    def ended(self) -> bool:
        """Has the loop been closed?"""
        ...


class AsyncioLoop:
    """A loop of asyncio or compatible with it."""

    __slots__ = ("_loop",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)

    async def suspend(self, start: Callable[..., Cancellable], *args: Any) -> Any:
        """See Loop."""
        target = self._live().create_future()
        waited_for = start(target, *args)
        try:
            return await target
        except BaseException:
            waited_for.cancel()
            raise
        finally:
            del target, waited_for  # or an error, its traceback and this frame keep each other

    async def finish(self, start: Callable[..., Cancellable], *args: Any) -> Any:
        """See Loop."""
        target = self._live().create_future()
        cancelled: asyncio.CancelledError | None = None
        try:
            start(target, *args)
            while not target.done():
                try:
                    await asyncio.wait((target,))
                except asyncio.CancelledError as error:
                    cancelled = error
            if cancelled is not None:
                target.exception()  # seen: not to be reported as lost
                raise cancelled
            return target.result()
        finally:
            del target, cancelled

    def watch(self, fd: int, callback: Callable[[], object]) -> None:
        """See Loop."""
        try:
            self._live().add_reader(fd, callback)
        except NotImplementedError:
            raise misuse("this event loop cannot wait for a file descriptor (add_reader)") from None

    def unwatch(self, fd: int) -> None:
        """See Loop."""
        if not self.ended():
            self._live().remove_reader(fd)

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        """See Loop."""
        self._live().call_soon_threadsafe(callback, *args)

    def later(self, seconds: float, callback: Callable[[], object]) -> None:
        """See Loop."""
        self._live().call_later(seconds, callback)

    def task(self) -> object:
        """See Loop."""
        return asyncio.current_task(self._live())

    def ended(self) -> bool:
        """See Loop."""
        loop = self._loop()
        return loop is None or loop.is_closed()

    def _live(self) -> asyncio.AbstractEventLoop:
        loop = self._loop()
        if loop is None:
            raise RuntimeError("the event loop is gone")
        return loop


def running() -> Any:
    """What stands for the running event loop, as a key: an asyncio loop, or trio's token.

    trio is asked first: it can run as a guest inside asyncio.
    """
    lowlevel = sys.modules.get("trio.lowlevel")
    if lowlevel is not None and lowlevel.in_trio_task():
        return lowlevel.current_trio_token()
    loop = _get_running_loop()
    if loop is None:
        raise misuse(
            "no event loop is running on this thread",
            "await it under asyncio, anyio or trio; programs without a loop use yoda.dbapi",
        )
    return loop


def adapt(key: Any) -> Loop:
    """The Loop for what running() gave."""
    if hasattr(key, "create_future"):
        return AsyncioLoop(key)
    from yoda.trio_loop import TrioLoop

    return TrioLoop(key)


def resolve(target: Target, value: Any, error: BaseException | None) -> None:
    """Give a target its value or error, unless it is no longer waited for."""
    if target.done():
        return
    if error is None:
        target.set_result(value)
    else:
        target.set_exception(error)
