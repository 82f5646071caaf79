"""What one of 10,000 futures in flight costs, and how that divides into engine and Python.

Two ways are measured. "raw" drives the private extension with futures as targets, as the package
itself does: submitting, waiting for the engine, and one drain that resolves all of them. "package"
is asyncio.gather over 10,000 coroutines of the public methods; "asyncio alone" is the same gather
over coroutines that await a future each, which no package can go below.

    submit   CPU of the submitting thread
    engine   CPU of all other threads
    resolve  CPU of the one drain: 10,000 futures are set and their waiters scheduled, nothing else
             is under way
    wall     from the first submit to the last result
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import yoda
from yoda import _yoda

COUNT = 10_000
Column = dict[str, list[float]]


def raw_submit(queue: _yoda.Queue, kind: str, future: Any, number: int) -> _yoda.Op:
    if kind == "SELECT 1":
        return queue.query(future, "SELECT 1")
    if kind == "point read":
        return queue.query(future, "SELECT n FROM t WHERE id = ?", (number % 1_000,))
    return queue.execute(future, "INSERT INTO w(n) VALUES (?)", (number,))


def package_call(engine: Any, kind: str, number: int) -> Any:
    if kind == "SELECT 1":
        return engine.query("SELECT 1")
    if kind == "point read":
        return engine.query("SELECT n FROM t WHERE id = ?", (number % 1_000,))
    return engine.execute("INSERT INTO w(n) VALUES (?)", (number,))


KINDS = ("SELECT 1", "point read", "insert")


def add(column: Column, count: int, **seconds: float) -> None:
    for key, value in seconds.items():
        column.setdefault(key, []).append(1e6 * value / count)


async def raw_round(path: Path, kind: str, count: int, column: Column) -> None:
    """Submits all, lets the engine finish all, then drains once."""
    engine = _yoda.Engine(str(path), [])
    queue = _yoda.Queue(engine)
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(count)]
    woken: list[Any] = []
    for future in futures:
        future.add_done_callback(woken.append)  # as a waiting task has: resolving schedules it
    wall, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
    ops = [raw_submit(queue, kind, future, number) for number, future in enumerate(futures)]
    submitted = time.thread_time() - thread
    for op in ops:
        while op.progress()[0] != "done":
            time.sleep(0.0005)
    worked = time.process_time() - process - (time.thread_time() - thread)
    thread = time.thread_time()
    resolved = 0
    while resolved < count:
        resolved += queue.drain()
    drained = time.thread_time() - thread
    total = time.perf_counter() - wall
    await asyncio.gather(*futures)
    add(column, count, submit=submitted, engine=worked, resolve=drained, wall=total)
    queue.close()
    engine.shutdown()


async def package_round(path: Path, kind: str, count: int, column: Column) -> None:
    async with await yoda.open(oltp_path=str(path)) as engine:
        await package_call(engine, kind, 1)
        wall, process, thread = time.perf_counter(), time.process_time(), time.thread_time()
        await asyncio.gather(*(package_call(engine, kind, number) for number in range(count)))
        python = time.thread_time() - thread
        add(column, count, wall=time.perf_counter() - wall, python=python,
            engine=time.process_time() - process - python)


async def tasks_alone(count: int, column: Column) -> None:
    """The same gather where each coroutine awaits a future that the loop resolves."""
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(count)]

    async def one(number: int) -> None:
        await futures[number]

    def resolve() -> None:
        for future in futures:
            future.set_result(None)

    wall, thread = time.perf_counter(), time.thread_time()
    loop.call_later(0.0, loop.call_soon, resolve)
    await asyncio.gather(*(one(number) for number in range(count)))
    add(column, count, wall=time.perf_counter() - wall, python=time.thread_time() - thread)


async def prepare(path: Path) -> None:
    async with await yoda.open(oltp_path=str(path)) as engine:
        await engine.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER)")
        await engine.execute("CREATE TABLE w(id INTEGER PRIMARY KEY, n INTEGER)")
        await engine.execute_batch([f"INSERT INTO t VALUES ({n}, {n})" for n in range(1_000)])


def show(name: str, column: Column) -> None:
    parts = [
        f"{key} {statistics.median(values):5.2f} [{min(values):.2f} .. {max(values):.2f}]"
        for key, values in column.items()
    ]
    print(f"{name:22} {'   '.join(parts)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    print(f"us for each of {options.count:,} in flight: median [least .. most] of {options.rounds}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        asyncio.run(prepare(path))
        alone: Column = {}
        for _ in range(options.rounds):
            asyncio.run(tasks_alone(options.count, alone))
        show("asyncio alone", alone)
        for name, measure in (("raw", raw_round), ("package", package_round)):
            for kind in KINDS:
                column: Column = {}
                for _ in range(options.rounds):
                    asyncio.run(measure(path, kind, options.count, column))
                show(f"{name}: {kind}", column)


if __name__ == "__main__":
    main()
