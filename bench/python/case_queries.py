"""Analytical queries over the million rows, through query_olap, as milliseconds."""

import asyncio
import statistics
import time
from typing import Any

import engines

REPETITIONS = 15
WARM_UPS = 3

GATHER = (
    "SELECT COUNT(*) FROM orders",
    "SELECT SUM(amount) FROM orders",
    "SELECT AVG(amount) FROM orders",
)
SINGLE = {
    "group": "SELECT shop, COUNT(*) AS n, SUM(amount) AS total FROM orders"
    " GROUP BY shop ORDER BY shop",
    "distinct": "SELECT COUNT(DISTINCT name) FROM orders",
    "filter": "SELECT SUM(amount) FROM orders WHERE shop < 10",
}


async def total(engine: Any) -> float:
    return engines.first_value(await engine.query_olap("SELECT SUM(amount) FROM orders"))


async def _gather(engine: Any) -> list[Any]:
    results = await asyncio.gather(*(engine.query_olap(sql) for sql in GATHER))
    return [engines.first_value(batches) for batches in results]


async def _single(engine: Any, sql: str) -> list[Any]:
    columns = (await engine.query_olap(sql))[0].to_pydict().values()
    return [value for column in columns for value in column]


async def run(engine: Any) -> tuple[dict[str, Any], dict[str, float]]:
    """Answers, and the median milliseconds of each query."""
    work = {"gather": lambda: _gather(engine)}
    for key, sql in SINGLE.items():
        work[key] = lambda sql=sql: _single(engine, sql)
    answers, figures = {}, {}
    for key, start_query in work.items():
        times = []
        for _ in range(WARM_UPS + REPETITIONS):
            start = time.perf_counter()
            answers[key] = await start_query()
            times.append(1_000 * (time.perf_counter() - start))
        figures[key] = statistics.median(times[WARM_UPS:])
    return answers, figures
