# `async with` owns the engine: behind the block it has been shut down. Table t is there already.
import yoda

async with await yoda.open(oltp_path="app.db") as engine:
    await engine.execute("INSERT INTO t VALUES (1)")
    await engine.sync_now()
