# The same in an anyio task group, each task leaving its batches in a dict.
import anyio
import pyarrow as pa

import yoda


async def main():
    async with await yoda.open(oltp_path="app.db") as engine:
        answers = {}

        async def ask(key: str, sql: str):
            answers[key] = await engine.query(sql)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "count", "SELECT COUNT(*) FROM orders")
            tasks.start_soon(ask, "total", "SELECT SUM(amount) FROM orders")

        print(answers["count"][0].to_pydict())
        print(pa.Table.from_batches(answers["total"]).to_pydict())


anyio.run(main)
