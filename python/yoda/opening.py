"""Opening an engine beside the event loop: on a thread of its own, which hands the engine over.

When the waiting task is cancelled, the opening cannot be stopped half-way: its engine is shut down
as soon as it is there, on a thread again.
"""

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from yoda.loop import Loop, resolve
from yoda.protocol import Cancellable, Target

T = TypeVar("T")


class Handover(Generic[T]):
    """The value of a call that runs on a thread of its own."""

    def __init__(self, loop: Loop, call: Callable[[], T], discard: Callable[[T], object]) -> None:
        self._loop = loop
        self._call = call
        self._discard = discard
        self._lock = threading.Lock()
        self._abandoned = False
        self._value: T | None = None

    def start(self, target: Target) -> Cancellable:
        """Begin."""
        threading.Thread(target=self._run, args=(target,), name="yoda-open").start()
        return self

    def cancel(self) -> None:
        """Nobody waits for the value any more."""
        with self._lock:
            self._abandoned = True
            value, self._value = self._value, None
        if value is not None:
            threading.Thread(target=self._discard, args=(value,), name="yoda-discard").start()

    def _run(self, target: Target) -> None:
        value, error = None, None
        try:
            value = self._call()
        except BaseException as raised:
            error = raised
        with self._lock:
            abandoned = self._abandoned
            self._value = value
        try:
            if not abandoned:
                return self._loop.soon(resolve, target, value, error)
        except RuntimeError:  # the loop has ended meanwhile
            pass
        finally:
            del error, target
        if value is not None:
            self._discard(value)


async def off_loop(
    loop: Loop, call: Callable[[], T], discard: Callable[[T], object] = lambda _: None
) -> T:
    """Call on a thread and wait for it; what it answers is discarded when the waiting ends
    before."""
    value: Any = await loop.suspend(Handover(loop, call, discard).start)
    return value  # type: ignore[no-any-return]
