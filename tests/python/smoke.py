"""The wheel where nothing but Python is installed. Run it in an empty directory."""

from __future__ import annotations

import asyncio
import importlib.util
import sqlite3
import warnings

warnings.simplefilter("error")

import yoda  # noqa: E402
import yoda.dbapi  # noqa: E402

assert importlib.util.find_spec("pyarrow") is None, "this environment is not empty"
assert "site-packages" in yoda.__file__, f"not the installed one: {yoda.__file__}"


async def write_and_ask() -> None:
    async with await yoda.open(oltp_path="smoke.db") as engine:
        await engine.execute("CREATE TABLE sale (id INTEGER PRIMARY KEY, who TEXT, eur REAL)")
        await engine.register_table(
            yoda.TableSchema("sale", [("id", "int64"), ("who", "utf8"), ("eur", "float64")], ["id"])
        )
        await engine.executemany(
            "INSERT INTO sale VALUES (?, ?, ?)", [(i, f"w{i % 3}", i / 2) for i in range(1000)]
        )
        result = await engine.sync_now()
        assert result.events_processed == result.rows_inserted == 1000, result
        batches = await engine.query_olap(
            "SELECT who, count(*) AS n, sum(eur) AS s FROM sale GROUP BY who ORDER BY who"
        )
        assert batches[0].to_pydict() == {
            "who": ["w0", "w1", "w2"],
            "n": [334, 333, 333],
            "s": [83416.5, 83083.5, 83250.0],
        }, batches[0].to_pydict()
        assert all(hasattr(batch, "__arrow_c_array__") for batch in batches)
        try:
            await engine.execute("INSERT INTO sale VALUES (1, 'again', 0)")
        except yoda.IntegrityError as error:
            assert error.code == "CONSTRAINT"
        else:
            raise AssertionError("a second row with the same key")


def ask_again() -> None:
    with yoda.dbapi.connect("smoke.db") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT count(*), max(eur) FROM sale WHERE who <> ?", ("w0",))
        assert cursor.fetchall() == [(666, 499.0)]
        cursor.close()
    connection.close()


asyncio.run(write_and_ask())
ask_again()
plain = sqlite3.connect("smoke.db")
assert plain.execute("SELECT count(*) FROM sale").fetchone() == (1000,)
plain.close()
print("smoke passed")
