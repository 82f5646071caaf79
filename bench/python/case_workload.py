"""The whole life of a table of a million rows in one process, with the packages as they come.

A million rows written by another process and synced, analytical queries, single writes, the time
until a row is visible, a few updates; and the peak memory of all that.
"""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import case_queries
import engines
import orders

ROWS = 1_000_000
UPDATES = 20
REST_S = 1.0


async def _single_writes(engine: Any) -> int:
    """Some of each kind of write, for the memory. How many rows that were."""
    rows = [orders.literal(row) for row in orders.rows(ROWS + 1, 1_300)]
    for sql in rows[:500]:
        await engine.execute(sql)
    await engine.execute_batch(rows[500:900])
    await asyncio.gather(*(engine.execute(sql) for sql in rows[900:]))
    await engine.sync_now()
    return len(rows)


async def _time_to_visible(engine: Any, first: int, count: int, sync: bool) -> list[float]:
    """Milliseconds from the insert to an answer that counts it, for each of count rows."""
    times = []
    for row in orders.rows(first, count):
        sql = orders.literal(row)
        start = time.perf_counter()
        await engine.execute(sql)
        if sync:
            await engine.sync_now()
        seen = await engine.query_olap("SELECT COUNT(*) FROM orders")
        times.append(1_000 * (time.perf_counter() - start))
        if engines.first_value(seen) != row[0]:
            raise RuntimeError(f"row {row[0]} is not visible: {engines.first_value(seen)}")
    return times


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


async def _visible(side: str, engine: Any, first: int, count: int) -> dict[str, float]:
    synced = await _time_to_visible(engine, first, count, sync=True)
    figures = {"visible_p50": _percentile(synced, 50), "visible_p99": _percentile(synced, 99)}
    if side == "yoda":
        fresh = await _time_to_visible(engine, first + count, count, sync=False)
        figures |= {"fresh_p50": _percentile(fresh, 50), "fresh_p99": _percentile(fresh, 99)}
    return figures


async def workload(side: str, folder: Path, visible: int = 200, **_: Any) -> dict[str, Any]:
    engine = await engines.open_engine(side, folder / "orders.db")
    figures = {"memory_imports": engines.peak_memory() / 1e6}
    async with engine:
        await engines.create_table(
            side, engine, "orders", orders.COLUMNS, orders.DECLARATION
        )
        orders.load(folder / "orders.db", "insert", 1, ROWS)
        while engines.first_value(await engine.query_olap(case_queries.GATHER[0])) < ROWS:
            await engine.sync_now()
        await asyncio.sleep(REST_S)
        answers, times = await case_queries.run(engine)
        figures |= times
        written = await _single_writes(engine)
        figures |= await _visible(side, engine, ROWS + written + 1, visible)
        orders.load(folder / "orders.db", "update", ROWS, UPDATES)
        await engine.sync_now()
        await case_queries.total(engine)
        figures["memory"] = engines.peak_memory() / 1e6
        figures["memory_added"] = figures["memory"] - figures["memory_imports"]
    return {"figures": figures, "answers": answers}
