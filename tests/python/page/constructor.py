# An engine made by the plain constructor is a context manager, too. Table t and config are there.
import yoda

engine = yoda.HtapEngine(config)
async with engine:
    await engine.execute("INSERT INTO t VALUES (1)")
