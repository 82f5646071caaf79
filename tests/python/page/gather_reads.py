# Three aggregates under way at once. The table is there already; whoever runs this calls main().
import asyncio

import yoda


async def main():
    async with await yoda.open(oltp_path="app.db") as engine:
        counted, summed, averaged = await asyncio.gather(
            engine.query("SELECT COUNT(*) FROM orders"),
            engine.query("SELECT SUM(amount) FROM orders"),
            engine.query("SELECT AVG(amount) FROM orders"),
        )
        print(counted[0].to_pydict())
        print(summed[0].to_pydict())
        print(averaged[0].to_pydict())
