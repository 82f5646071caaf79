# The first call is not awaited: it never runs, and Python says so. Table t and engine are there.
engine.execute("INSERT INTO t VALUES (1)")
await engine.execute("INSERT INTO t VALUES (1)")
