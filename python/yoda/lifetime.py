"""Engines that are still open when the interpreter ends are shut down while there is time.

Each interpreter has its own set: a subinterpreter ends its own engines.
"""

import atexit
import os
import warnings
import weakref
from typing import Protocol


class Mortal(Protocol):
    """What is shut down at the end."""

    def shutdown(self) -> None:
        """Idempotent."""


_open: "weakref.WeakSet[Mortal]" = weakref.WeakSet()


def begin(engine: Mortal) -> None:
    """It is open."""
    _open.add(engine)


def end(engine: Mortal) -> None:
    """It has been shut down."""
    _open.discard(engine)


def warn(engine: Mortal) -> None:
    """Nobody shut it down."""
    message = f"{engine!r} was never shut down: use async with, or call shutdown()"
    warnings.warn(message, ResourceWarning, stacklevel=3, source=engine)


def _end_all() -> None:
    for engine in list(_open):
        try:
            warn(engine)
        finally:
            engine.shutdown()


atexit.register(_end_all)
os.register_at_fork(after_in_child=_open.clear)  # the parent's are not the child's to end
