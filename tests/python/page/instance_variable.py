# An engine kept by an object that lives as long as the program.
import yoda


class MyService:
    async def start(self):
        self.engine = await yoda.HtapEngine.create(yoda.HtapConfig(oltp_path="svc.db"))

    async def stop(self):
        self.engine.shutdown()
