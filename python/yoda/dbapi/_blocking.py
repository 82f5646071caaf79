"""A completion queue whose operations are waited for.

The thread sleeps in Queue.wait, without the GIL and open to signals. What comes out of there
(Ctrl-C) cancels what was submitted, waits until it has ended, and goes on its way.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from yoda import _yoda
from yoda.dbapi._failure import failure


class Slot:
    """The target of one operation: keeps how it ended."""

    __slots__ = ("error", "finished", "value")

    def __init__(self) -> None:
        self.finished = False
        self.value: Any = None
        self.error: BaseException | None = None

    def done(self) -> bool:
        """Has the operation ended?"""
        return self.finished

    def set_result(self, value: Any, /) -> None:
        """It ended well."""
        self.value = value
        self.finished = True

    def set_exception(self, error: BaseException, /) -> None:
        """It failed."""
        self.error = error
        self.finished = True

    def result(self) -> Any:
        """What it gave; raises what it failed with."""
        if self.error is not None:
            raise self.error
        return self.value


Submit: TypeAlias = Callable[[Slot], _yoda.Op]
"""Submits one operation with the slot as its target."""


class BlockingQueue:
    """A connection's queue. One thread at a time runs something; any thread may interrupt it."""

    def __init__(self, engine: _yoda.Engine) -> None:
        self.raw = _yoda.Queue(engine)
        self._running: list[_yoda.Op] = []

    def run(self, *submits: Submit) -> list[Any]:
        """Submit all, wait for all, give what they gave. The first error that came is raised."""
        if self._running:
            raise failure("the connection is in use by this very thread", hint="a signal handler?")
        slots = [Slot() for _ in submits]
        try:
            for submit, slot in zip(submits, slots, strict=True):
                self._running.append(self._submit(submit, slot))
            self._wait(slots)
        except BaseException:
            self.interrupt()
            self._wait(slots[: len(self._running)])
            raise
        finally:
            self._running = []
        return [slot.result() for slot in slots]

    def run_one(self, submit: Submit) -> Any:
        """run() for a single operation."""
        return self.run(submit)[0]

    def interrupt(self) -> None:
        """Cancel what is running. Never waits."""
        for op in tuple(self._running):
            op.cancel()

    def close(self) -> None:
        """Cancel what is in flight and free the queue. Idempotent."""
        self.raw.close()

    def _submit(self, submit: Submit, slot: Slot) -> _yoda.Op:
        """Waits while the engine has no room. A wait returns when there may be some again."""
        while True:
            try:
                return submit(slot)
            except _yoda.InFlightError:
                self.raw.wait()

    def _wait(self, slots: list[Slot]) -> None:
        while not all(slot.finished for slot in slots):
            self.raw.wait()
