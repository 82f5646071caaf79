"""Inserts and updates taken over by sync_now.

They are written by a process with Python's sqlite3 while the engine has the database open: only
sync_now is timed, and Yoda's background sync is off so that the call does the work.
"""

import time
from pathlib import Path
from typing import Any

import case_queries
import engines
import orders

ROWS = 1_000_000
UPDATED_ROWS = 200_000
UPDATES = 1_000
ALL_UPDATES = 20_000


async def _open(side: str, folder: Path) -> Any:
    engine = await engines.open_engine(side, folder / "orders.db", background_sync=False)
    await engines.create_table(side, engine, "orders", orders.COLUMNS, orders.DECLARATION)
    return engine


async def sync_all(engine: Any, events: int) -> float:
    """Call sync_now until all events are taken over. Seconds."""
    start = time.perf_counter()
    taken = 0
    while taken < events:
        result = await engine.sync_now()
        if result.events_processed == 0:
            raise RuntimeError(f"sync_now found {taken} of {events} events")
        taken += result.events_processed
    return time.perf_counter() - start


async def inserts(side: str, folder: Path, **_: Any) -> dict[str, Any]:
    engine = await _open(side, folder)
    async with engine:
        orders.load(folder / "orders.db", "insert", 1, ROWS)
        rate = ROWS / await sync_all(engine, ROWS)
        answers = {"sum": await case_queries.total(engine)}
    return {"figures": {"sync": rate}, "answers": answers}


async def _update(engine: Any, folder: Path, rows: int, count: int) -> float:
    """Updates a second."""
    orders.load(folder / "orders.db", "update", rows, count)
    return count / await sync_all(engine, count)


async def updates(side: str, folder: Path, full: bool = False, **_: Any) -> dict[str, Any]:
    """1,000 updates on both sides; then 20,000, on the reference's side only when asked for."""
    engine = await _open(side, folder)
    figures = {}
    async with engine:
        orders.load(folder / "orders.db", "insert", 1, UPDATED_ROWS)
        await sync_all(engine, UPDATED_ROWS)
        figures["updates"] = await _update(engine, folder, UPDATED_ROWS, UPDATES)
        answers = {"sum after updates": await case_queries.total(engine)}
        if full or side == "yoda":
            figures["all_updates"] = await _update(engine, folder, UPDATED_ROWS, ALL_UPDATES)
            if full:
                answers["sum after all updates"] = await case_queries.total(engine)
    return {"figures": figures, "answers": answers}
