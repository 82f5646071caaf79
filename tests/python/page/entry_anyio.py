# The same start under anyio, with a floating-point column.
import anyio

import yoda


async def main():
    async with await yoda.open(oltp_path="app.db") as engine:
        await engine.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, value REAL)")
        await engine.register_table(
            yoda.TableSchema("metrics", [("id", "int64"), ("value", "float64")], ["id"])
        )
        await engine.execute("INSERT INTO metrics VALUES (1, 3.14)")
        await engine.sync_now()
        batches = await engine.query("SELECT AVG(value) AS avg FROM metrics")
        print(batches[0].to_pydict())


anyio.run(main)
