"""Open engines, shared by the connections of a process to one file.

Only one engine at a time keeps the columns of a file. So connect() takes the engine that is open
for the path with the same options; the last connection that is closed shuts it down.
"""

import atexit
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from yoda import _yoda
from yoda.engine import HtapEngine

Option: TypeAlias = bool | int | str


@dataclass(eq=False)
class Shared:
    """An engine and how many connections use it."""

    engine: _yoda.Engine
    key: object = None
    """Under which it is found; None: by nobody else."""
    file: tuple[int, int] | None = None
    """Device and inode when it was opened: another file may have the path by now."""
    users: int = 1
    owned: bool = True
    """False: somebody else's, not shut down from here."""


@dataclass
class _Registry:
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Reentrant: a collected connection may be released by the thread that holds it."""
    open: dict[object, Shared] = field(default_factory=dict)
    live: set[Shared] = field(default_factory=set)
    """Those that are open, and those that nobody else finds."""


_registry = _Registry()


def option_texts(options: Mapping[str, Option | None]) -> tuple[tuple[str, str], ...]:
    """Options as the engine wants them: names and texts, in order of the names."""
    texts = []
    for name, value in sorted(options.items()):
        if value is not None:
            texts.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return tuple(texts)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _opened(path: str, texts: tuple[tuple[str, str], ...], key: object) -> Shared:
    shared = Shared(_yoda.Engine(path, texts), key, _identity(path))
    _registry.live.add(shared)
    return shared


def acquire(path: str, options: Mapping[str, Option | None]) -> Shared:
    """The engine for a path, opened if need be. Give it back with release()."""
    texts = option_texts(options)
    if path == ":memory:":
        return _opened(path, texts, None)
    key = (os.path.realpath(path), texts)
    with _registry.lock:
        found = _registry.open.get(key)
        if found and not found.engine.closed and found.file == _identity(path):
            found.users += 1
            return found
        shared = _opened(path, texts, key)
        _registry.open[key] = shared
        return shared


def borrow(engine: HtapEngine | _yoda.Engine) -> Shared:
    """An engine that somebody else opened and will shut down."""
    raw = engine._raw if isinstance(engine, HtapEngine) else engine
    if not isinstance(raw, _yoda.Engine):
        raise TypeError(f"engine must be an HtapEngine, not {type(engine).__name__}")
    return Shared(raw, owned=False)


def release(shared: Shared) -> None:
    """One user less. Without any, the engine is shut down, unless it is somebody else's."""
    with _registry.lock:
        shared.users -= 1
        if shared.users > 0 or not shared.owned:
            return
        if _registry.open.get(shared.key) is shared:
            del _registry.open[shared.key]
        _registry.live.discard(shared)
        shared.engine.shutdown()


def _forget_all() -> None:
    """In a forked child: the engines are the parent's, and so may be a held lock."""
    _registry.lock = threading.RLock()
    _registry.open.clear()
    _registry.live.clear()


os.register_at_fork(after_in_child=_forget_all)


@atexit.register
def _shut_down_all() -> None:
    """Connections that nobody closed do not keep the process from ending well."""
    with _registry.lock:
        left = list(_registry.live)
        _registry.live.clear()
        _registry.open.clear()
    for shared in left:
        shared.engine.shutdown()
