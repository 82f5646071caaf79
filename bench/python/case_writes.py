"""Rows written through the package: one by one, as a batch of literals, from several tasks.

The table is registered, so each side captures what is written. Yoda's background sync is on, as it
comes. Each figure is the median of a few repetitions after one that is not counted.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import engines
import orders

INSERTS, INSERTS_REPEATED = 500, 5
BATCH, BATCH_REPEATED = 400, 25
TASKS, PER_TASK, TASKS_REPEATED = 8, 50, 9


Write = Callable[[Any, list[str]], Awaitable[None]]


async def _awaited(engine: Any, statements: list[str]) -> None:
    for sql in statements:
        await engine.execute(sql)


async def _batch(engine: Any, statements: list[str]) -> None:
    await engine.execute_batch(statements)


async def _tasks(engine: Any, statements: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for task in range(TASKS):
            group.create_task(_awaited(engine, statements[task::TASKS]))


async def _rate(engine: Any, write: Write, count: int, repetitions: int) -> float:
    """Rows a second: the median after a warm-up."""
    rates = []
    for repetition in range(repetitions + 1):
        first = 1 + repetition * count
        statements = [orders.literal(row) for row in orders.rows(first, count)]
        start = time.perf_counter()
        await write(engine, statements)
        rates.append(count / (time.perf_counter() - start))
    return statistics.median(rates[1:])


async def _measure(
    side: str, folder: Path, write: Write, count: int, repetitions: int
) -> tuple[float, int]:
    engine = await engines.open_engine(side, folder / "orders.db")
    async with engine:
        await engines.create_table(
            side, engine, "orders", orders.COLUMNS, orders.DECLARATION
        )
        rate = await _rate(engine, write, count, repetitions)
        await engine.sync_now()
        seen = engines.first_value(await engine.query_olap("SELECT COUNT(*) FROM orders"))
    return rate, seen


async def inserts(side: str, folder: Path, **_: Any) -> dict[str, Any]:
    rate, count = await _measure(side, folder, _awaited, INSERTS, INSERTS_REPEATED)
    return {"figures": {"inserts": rate}, "answers": {"rows": count}}


async def batch(side: str, folder: Path, **_: Any) -> dict[str, Any]:
    rate, count = await _measure(side, folder, _batch, BATCH, BATCH_REPEATED)
    return {"figures": {"batch": rate}, "answers": {"rows": count}}


async def tasks(side: str, folder: Path, **_: Any) -> dict[str, Any]:
    rate, count = await _measure(side, folder, _tasks, TASKS * PER_TASK, TASKS_REPEATED)
    return {"figures": {"tasks": rate}, "answers": {"rows": count}}
