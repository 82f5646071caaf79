"""A service that stores readings of meters and answers questions about them, with asyncio.

    python meters.py meters.db [PORT]

Each connection sends lines: "put NAME VALUE" stores a reading, "stats NAME" asks for the number of
readings, their mean and their largest. A background task moves new rows into the columns every
second. SIGTERM and SIGINT stop the service: it takes no more lines, finishes those it has, and
syncs once more.
"""

import asyncio
import contextlib
import signal
import sys

import yoda

STATS = "SELECT count(*) AS n, avg(value) AS mean, max(value) AS top FROM readings WHERE name = ?"


async def answer(engine: yoda.HtapEngine, line: str) -> str:
    """What a line is answered with."""
    match line.split():
        case ["put", name, value]:
            row = (name, float(value))
            await engine.execute("INSERT INTO readings(name, value) VALUES (?, ?)", row)
            return "ok"
        case ["stats", name]:
            [(n, mean, top)] = (await engine.query(STATS, [name])).to_tuples()
            return f"{n} readings, mean {mean:g}, top {top:g}" if n else "no readings"
    raise ValueError("put NAME VALUE, or stats NAME")


class Service:
    """The connections of the service and what they share."""

    def __init__(self, engine: yoda.HtapEngine) -> None:
        self.engine = engine
        self.stopping = asyncio.Event()
        self.clients: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its first line to its last."""
        task = asyncio.current_task()
        assert task
        self.clients.add(task)
        try:
            while line := await self.next_line(reader):
                try:
                    reply = await answer(self.engine, line.decode())
                except (ValueError, yoda.Error) as error:
                    reply = f"error: {error}"
                writer.write(reply.encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # gone without a word
        finally:
            self.clients.discard(task)
            writer.close()

    async def next_line(self, reader: asyncio.StreamReader) -> bytes:
        """The next line; nothing at the end, and when the service stops."""
        read = asyncio.ensure_future(reader.readline())
        stop = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait((read, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if read.done():
            return read.result()
        read.cancel()
        return b""

    async def keep_in_step(self, period: float) -> None:
        """Sync every so often. Queries are right without it: it saves them the work."""
        while True:
            await asyncio.sleep(period)
            result = await self.engine.sync_now()
            if result.events_processed:
                print(result, flush=True)

    async def run(self, port: int) -> None:
        """Serve until a signal comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        server = await asyncio.start_server(self.accept, "127.0.0.1", port)
        print("listening on", server.sockets[0].getsockname()[1], flush=True)
        background = asyncio.create_task(self.keep_in_step(1.0))
        await self.stopping.wait()
        server.close()
        await asyncio.gather(*self.clients)
        background.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await background


async def main(path: str, port: int) -> None:
    """Open, serve, sync for the last time, close."""
    async with await yoda.open(oltp_path=path) as engine:
        await engine.execute(
            "CREATE TABLE IF NOT EXISTS readings(id INTEGER PRIMARY KEY, name TEXT, value REAL)"
        )
        await engine.register_table("readings")
        await Service(engine).run(port)
        await engine.sync_now()
        count = (await engine.query("SELECT count(*) FROM readings")).to_tuples()[0][0]
        print(f"stopped with {count} readings", flush=True)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: meters.py FILE [PORT]")
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
