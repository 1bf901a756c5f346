"""TLS in front of a server that has none, as the bundled Valkey: a door that decrypts, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.client import Address


@contextlib.contextmanager
def tls_door(address: Address, behind: Address, chain: Path, key: Path) -> Iterator[None]:
    """While the block runs, what comes to `address` over TLS goes on to `behind`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(*behind)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(reader, inner_writer))
            both.create_task(_pump(inner_reader, writer))

    # All of it in the thread: the one that asks may have a loop of its own (Playwright's).
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starts = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, *address, ssl=context), loop)
    try:
        server = starts.result(5)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(_close(server), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
