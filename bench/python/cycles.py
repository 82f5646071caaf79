"""Opens and closes an engine again and again and sees what stays behind.

Each cycle opens, creates a table or finds it, writes a row, reads it back and closes; engines in
memory, in files that stay and in new files take turns. Printed on the way: resident memory, what of
it the allocator has given out (where the C library tells; the rest is fragmentation), descriptors
and threads. The exit code is 1 when the end has more descriptors or threads than the start had
after its warm-up, or more memory than allowed.
"""

import argparse
import asyncio
import ctypes
import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yoda

WARM_UP = 200


class Usage(NamedTuple):
    memory_kb: int
    allocated_kb: int
    descriptors: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.memory_kb:9,} KB resident, {self.allocated_kb:,} KB allocated,"
            f" {self.descriptors} descriptors, {self.threads} threads"
        )


class Mallinfo2(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]


def allocated_kb() -> int:
    """Given out by malloc, in all arenas; 0 where that is not known."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return 0
    mallinfo2.restype = Mallinfo2
    info = mallinfo2()
    return (info.uordblks + info.hblkhd) // 1024


def usage() -> Usage:
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    field = dict(line.split(":", 1) for line in status.splitlines())
    memory_kb = int(field["VmRSS"].removesuffix("kB"))
    descriptors = len(os.listdir("/proc/self/fd"))
    return Usage(memory_kb, allocated_kb(), descriptors, int(field["Threads"]))


async def use(path: str, row: int) -> None:
    async with await yoda.open(oltp_path=path) as engine:
        await engine.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, n INTEGER)")
        await engine.register_table("t")
        await engine.execute("INSERT OR REPLACE INTO t VALUES (?, ?)", [row % 50, row])
        batches = await engine.query("SELECT n FROM t WHERE id = ?", [row % 50])
        if batches[0].to_pydict() != {"n": [row]}:
            raise RuntimeError(f"row {row}: {batches[0].to_pydict()}")


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


async def cycle(folder: Path, number: int, variants: list[str]) -> None:
    variant = variants[number % len(variants)]
    if variant == "memory":
        await use(":memory:", number)
    elif variant == "file":
        await use(str(folder / "kept" / "a.db"), number)
    else:
        new = folder / "new"
        await use(str(new / "a.db"), number)
        remove(new)


def in_loops(folder: Path, first: int, count: int, variants: list[str]) -> None:
    """count cycles in an event loop of their own."""

    async def all_of_them() -> None:
        for number in range(first, first + count):
            await cycle(folder, number, variants)

    asyncio.run(all_of_them())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=100_000)
    parser.add_argument("--growth-kb", type=int, default=8_192, help="allowed, resident memory")
    parser.add_argument("--allocated-kb", type=int, default=2_048, help="allowed, allocated")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--variants", nargs="+", default=["memory", "file", "new"],
                        choices=["memory", "file", "new"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        (folder / "kept").mkdir()
        (folder / "new").mkdir()
        in_loops(folder, 0, min(WARM_UP, options.cycles), options.variants)
        begin = usage()
        print(f"{'start':>9} {begin}", flush=True)
        done, start = 0, time.monotonic()
        step = max(options.cycles // 10, 1)
        while done < options.cycles:
            in_loops(folder, done, min(step, options.cycles - done), options.variants)
            done = min(done + step, options.cycles)
            print(f"{done:9,} {usage()}, {time.monotonic() - start:.0f} s", flush=True)
    end = usage()
    grown = end.memory_kb - begin.memory_kb
    leaks = (
        grown > options.growth_kb
        or end.allocated_kb - begin.allocated_kb > options.allocated_kb
        or end.descriptors > begin.descriptors
        or end.threads > begin.threads
    )
    print(f"{'end':>9} {end}; memory {grown:+,} KB: {'LEAKS' if leaks else 'nothing leaks'}")
    return 1 if leaks else 0


if __name__ == "__main__":
    sys.exit(main())
