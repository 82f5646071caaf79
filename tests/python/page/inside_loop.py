# Where a loop runs already, as in a notebook: nothing but awaits, and every setting at its default.
import yoda

engine = await yoda.HtapEngine.create()
batches = await engine.query("SELECT 1 AS x")
