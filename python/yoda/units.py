"""Seconds, as Python's own interfaces have them, to the engine's milliseconds."""

import math
from typing import TypeAlias

from yoda.errors import misuse

Seconds: TypeAlias = float | None

STALENESS_DEFAULT = -1
STALENESS_ANY = -2


def timeout_ms(seconds: Seconds) -> int:
    """A timeout for a submit: 0 for none; a time that is over already becomes the shortest one."""
    if seconds is None:
        return 0
    if math.isnan(seconds):
        raise misuse("timeout: not a number")
    return 0 if math.isinf(seconds) and seconds > 0 else max(1, math.ceil(seconds * 1000))


def staleness_ms(seconds: Seconds) -> int:
    """A bound on the age of a snapshot; None: the engine's, infinity: whatever is there."""
    if seconds is None:
        return STALENESS_DEFAULT
    if not seconds >= 0:
        raise misuse(f"max_staleness: {seconds} is not a time of 0 seconds or more")
    return STALENESS_ANY if math.isinf(seconds) else int(seconds * 1000)
