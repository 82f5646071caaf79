"""A Port: where one engine meets one event loop.

    task --submit--> Queue ...worker threads... --eventfd--> the loop calls queue.drain() --> task

The loop's reader is the queue's own drain, so a burst of completions costs one wake-up and is
resolved in C. What points at what: engine -> port -> queue <- loop, and nothing but the targets in
flight points at the loop; a loop that goes away takes its port with it (see engine.py).
"""

from typing import Any

from yoda import _yoda
from yoda.errors import InFlightError, closed
from yoda.loop import Loop
from yoda.protocol import Cancellable, Target
from yoda.room import Line, Submit


class Port:
    """An engine's queue on a loop. Used on that loop only, but for retire_soon()."""

    __slots__ = ("_line", "loop", "queue")

    def __init__(self, engine: _yoda.Engine, loop: Loop) -> None:
        self.loop = loop
        self.queue = _yoda.Queue(engine)
        self._line = Line()
        self.queue.on_writable = self._line.advance
        loop.watch(self.queue.fileno(), self.queue.drain)

    def run(self, submit: Submit, args: tuple[Any, ...], timeout_ms: int = 0) -> Any:
        """Awaitable: submit one operation and answer what it is resolved with. timeout_ms is in
        args, too."""
        return self.loop.suspend(self.start, submit, args, timeout_ms)

    def finish(self, submit: Submit, args: tuple[Any, ...], timeout_ms: int = 0) -> Any:
        """Awaitable: the same for what must come to its end once it has begun."""
        return self.loop.finish(self.start, submit, args, timeout_ms)

    def start(
        self, target: Target, submit: Submit, args: tuple[Any, ...], timeout_ms: int = 0
    ) -> Cancellable:
        """Submit, at once or when there is room."""
        if not self._line:
            try:
                return submit(target, *args)
            except InFlightError:
                pass
        place = self._line.join(submit, target, args)
        if timeout_ms:
            self.loop.later(timeout_ms / 1000, lambda: place.expire(timeout_ms))
        return place

    def retire(self) -> None:
        """On the loop, after the engine's shutdown: resolve what there is and let go of the
        descriptor."""
        if self.queue.closed:
            return
        self.queue.drain()
        self._line.disband(closed())
        self.loop.unwatch(self.queue.fileno())
        self.queue.close()

    def retire_soon(self) -> None:
        """From any thread: retire on the loop, or at once when the loop has ended."""
        try:
            self.loop.soon(self.retire)
        except RuntimeError:
            self.queue.close()
