"""The line of submits that wait for room among the operations in flight.

An engine accepts max_in_flight operations. What it refuses waits here, first come first served, and
is submitted from the drain that reports room again: the waiting task is not woken in between, it
waits for its result all the time. While anybody waits, new submits go to the end of the line.

Invariant: whoever waits, the last submit was refused, so on_writable will come.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from yoda._yoda import Op
from yoda.errors import InFlightError, timed_out
from yoda.loop import resolve
from yoda.protocol import Target

Submit = Callable[..., Op]


class Place:
    """One place in the line. Stands in for the Op until there is one."""

    __slots__ = ("_args", "_op", "_submit", "_target")

    def __init__(self, submit: Submit, target: Target, args: tuple[Any, ...]) -> None:
        self._submit: Submit | None = submit
        self._target = target
        self._args = args
        self._op: Op | None = None

    def submit(self) -> None:
        """Submit, unless nobody wants it any more. Errors: InFlightError; others go to the
        target."""
        if self._submit is None or self._target.done():
            return
        try:
            self._op = self._submit(self._target, *self._args)
        except InFlightError:
            raise
        except BaseException as error:
            resolve(self._target, None, error)

    def cancel(self) -> None:
        """As Op.cancel."""
        self._submit = None
        if self._op is not None:
            self._op.cancel()

    def credit(self, parts: int) -> None:
        """As Op.credit."""
        if self._op is not None:
            self._op.credit(parts)

    def expire(self, timeout_ms: int) -> None:
        """The time is up, in the line or behind it."""
        if not self._target.done():
            resolve(self._target, None, timed_out(timeout_ms))
            self.cancel()

    def abandon(self, error: BaseException) -> None:
        """There will be no room any more."""
        if self._op is None:
            resolve(self._target, None, error)


class Line:
    """The line of one queue. Used on the queue's loop only."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: deque[Place] = deque()

    def __len__(self) -> int:
        return len(self._places)

    def join(self, submit: Submit, target: Target, args: tuple[Any, ...]) -> Place:
        """Take the last place."""
        place = Place(submit, target, args)
        self._places.append(place)
        return place

    def advance(self) -> None:
        """There is room: submit as many as it takes."""
        places = self._places
        while places:
            try:
                places[0].submit()
            except InFlightError:
                return
            places.popleft()

    def disband(self, error: BaseException) -> None:
        """Send everybody away."""
        while self._places:
            self._places.popleft().abandon(error)
