"""The same for trio: a system task waits for the descriptor, and waiting tasks are rescheduled.

Imported only where trio is running.
"""

import weakref
from collections.abc import Callable
from typing import Any

import outcome
import trio

from yoda.protocol import Cancellable


class Wait:
    """What a trio task waits for: the target of one submit."""

    __slots__ = ("_done", "_outcome", "_task")

    def __init__(self) -> None:
        self._done = False
        self._outcome: outcome.Outcome[Any] | None = None  # that came before it was waited for
        self._task: trio.lowlevel.Task | None = None

    def done(self) -> bool:
        """Resolved, or given up?"""
        return self._done

    def set_result(self, value: Any) -> None:
        """Resolve it."""
        self._settle(outcome.Value(value))

    def set_exception(self, error: BaseException) -> None:
        """Resolve it with an error."""
        self._settle(outcome.Error(error))

    def _settle(self, result: outcome.Outcome[Any]) -> None:
        self._done = True
        if self._task is None:
            self._outcome = result
        else:
            trio.lowlevel.reschedule(self._task, result)

    async def value(self, waited_for: Cancellable) -> Any:
        """Wait for it."""
        early, self._outcome = self._outcome, None
        if early is not None:
            return early.unwrap()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._done = True
            waited_for.cancel()
            return trio.lowlevel.Abort.SUCCEEDED

        self._task = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(abort)


class TrioLoop:
    """A run of trio, known by its token, which is held weakly."""

    __slots__ = ("__weakref__", "_scopes", "_token")

    def __init__(self, token: trio.lowlevel.TrioToken) -> None:
        self._token = weakref.ref(token)
        self._scopes: dict[int, trio.CancelScope] = {}

    async def suspend(self, start: Callable[..., Cancellable], *args: Any) -> Any:
        """See yoda.loop.Loop."""
        await trio.lowlevel.checkpoint_if_cancelled()
        target = Wait()
        return await target.value(start(target, *args))

    async def finish(self, start: Callable[..., Cancellable], *args: Any) -> Any:
        """See yoda.loop.Loop."""
        with trio.CancelScope(shield=True):
            return await self.suspend(start, *args)

    def watch(self, fd: int, callback: Callable[[], object]) -> None:
        """See yoda.loop.Loop."""
        scope = self._scopes[fd] = trio.CancelScope()
        trio.lowlevel.spawn_system_task(_watch, fd, callback, scope)

    def unwatch(self, fd: int) -> None:
        """See yoda.loop.Loop."""
        scope = self._scopes.pop(fd, None)
        if scope is not None and not self.ended():
            scope.cancel()
            trio.lowlevel.notify_closing(fd)

    def soon(self, callback: Callable[..., object], *args: Any) -> None:
        """See yoda.loop.Loop."""
        token = self._token()
        if token is None:
            raise RuntimeError("the run of trio is gone")
        token.run_sync_soon(callback, *args)

    def later(self, seconds: float, callback: Callable[[], object]) -> None:
        """See yoda.loop.Loop."""
        trio.lowlevel.spawn_system_task(_later, seconds, callback)

    def task(self) -> object:
        """See yoda.loop.Loop."""
        return trio.lowlevel.current_task()

    def ended(self) -> bool:
        """See yoda.loop.Loop."""
        try:
            self.soon(_nothing)
        except RuntimeError:  # RunFinishedError is one
            return True
        return False


def _nothing() -> None:
    pass


async def _watch(fd: int, callback: Callable[[], object], scope: trio.CancelScope) -> None:
    with scope:
        while True:
            try:
                await trio.lowlevel.wait_readable(fd)
            except trio.ClosedResourceError:
                return
            if scope.cancel_called:  # between the descriptor's event and this task's turn
                return
            callback()


async def _later(seconds: float, callback: Callable[[], object]) -> None:
    await trio.sleep(seconds)
    callback()
