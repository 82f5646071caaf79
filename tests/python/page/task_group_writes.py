# Three tasks write a batch each at the same time; one sync then carries all of them over.
import anyio

import yoda


async def write_batch(engine, first: int, count: int):
    await engine.execute_batch([f"INSERT INTO t VALUES ({first + i})" for i in range(count)])


async def main():
    async with await yoda.open(oltp_path="fanout.db") as engine:
        await engine.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        await engine.register_table(yoda.TableSchema("t", [("id", "int64")], ["id"]))

        async with anyio.create_task_group() as tasks:
            for first in (0, 100, 200):
                tasks.start_soon(write_batch, engine, first, 100)

        print(await engine.sync_now())


anyio.run(main)
