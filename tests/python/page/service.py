# A service: a task syncs again and again until SIGINT or SIGTERM ends the whole thing in order.
import asyncio
import signal

import yoda


async def sync_loop(engine: yoda.HtapEngine, interval: float = 0.5):
    """Say what each sync carried over."""
    while True:
        try:
            result = await engine.sync_now()
            if result.events_processed:
                print(f"[sync] {result}")
        except Exception as error:
            print(f"[sync] error: {error}")
        await asyncio.sleep(interval)


async def main():
    engine = await yoda.HtapEngine.create(yoda.HtapConfig(oltp_path="service.db"))
    syncing = asyncio.create_task(sync_loop(engine))

    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set_result, None)
    await stop

    syncing.cancel()
    try:
        await syncing
    except asyncio.CancelledError:
        pass
    engine.shutdown()
    print("Engine shut down cleanly.")


asyncio.run(main())
