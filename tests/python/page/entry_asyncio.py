# A whole program on asyncio: make a table, mirror it, write, sync, ask.
import asyncio

import yoda


async def main():
    async with await yoda.open(oltp_path="app.db") as engine:
        await engine.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, msg TEXT)")
        await engine.register_table(
            yoda.TableSchema("events", [("id", "int64"), ("msg", "utf8")], ["id"])
        )
        await engine.execute("INSERT INTO events VALUES (1, 'good morning')")
        print(await engine.sync_now())

        batches = await engine.query("SELECT COUNT(*) as n FROM events")
        print(batches[0].to_pydict())


asyncio.run(main())
