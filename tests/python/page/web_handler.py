# A web application's three hooks; any framework may call them. Table sales is there already.
import json

import pyarrow as pa

import yoda

_engine: yoda.HtapEngine | None = None


async def startup():
    global _engine
    _engine = await yoda.HtapEngine.create(yoda.HtapConfig(oltp_path="app.db"))


async def shutdown():
    if _engine:
        _engine.shutdown()


async def handle_analytics(region: str) -> str:
    """What each product sold in a region, as JSON."""
    assert _engine is not None
    batches = await _engine.query(
        f"SELECT product, SUM(amount) AS total FROM sales "
        f"WHERE region = '{region}' GROUP BY product"
    )
    return json.dumps(pa.Table.from_batches(batches).to_pydict())
