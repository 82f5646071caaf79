"""How much a distribution brings to site-packages: its own files and those of what it requires.

pyarrow is left out: both give pyarrow batches. Bytecode that was compiled later does not count.
"""

import re
from importlib import metadata

DISTRIBUTIONS = {"yoda": "yoda-htap", "rhei": "rhei-engine"}
_SHARED = {"pyarrow"}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _required(distribution: metadata.Distribution) -> list[str]:
    """Names that are required without an extra. Markers other than extras are taken as true."""
    names = []
    for requirement in distribution.requires or []:
        if "extra ==" not in requirement:
            names.append(_normal(re.match(r"[A-Za-z0-9._-]+", requirement)[0]))
    return names


def closure(name: str) -> dict[str, int]:
    """Bytes of each distribution that comes with this one."""
    sizes: dict[str, int] = {}
    waiting = [_normal(name)]
    while waiting:
        name = waiting.pop()
        if name in sizes or name in _SHARED:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # required on other systems or older Pythons only
        files = [distribution.locate_file(file) for file in distribution.files or []]
        sizes[name] = sum(
            file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc"
        )
        waiting += _required(distribution)
    return sizes


def sizes() -> dict[str, dict[str, int]]:
    """Per side; a side that is not installed (run from a build folder) is missing."""
    found = {side: closure(name) for side, name in DISTRIBUTIONS.items()}
    return {side: parts for side, parts in found.items() if parts}
