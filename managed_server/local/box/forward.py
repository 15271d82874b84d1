"""Hands TCP connections on, byte by byte."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

_CHUNK = 65_536  # bytes

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()  # the other direction may go on


async def serve(listener: socket.socket, connect: Connect) -> None:
    """Accept connections on a socket that listens already, and hand each on; for ever."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward_reader, onward_writer = await connect()
        except OSError:
            writer.transport.abort()  # the caller's connection is reset
            return
        try:
            await asyncio.gather(_copy(reader, onward_writer), _copy(onward_reader, writer))
        finally:
            onward_writer.close()
            writer.close()

    server = await asyncio.start_server(handle, sock=listener)
    async with server:
        await server.serve_forever()


def to(host: str, port: int) -> Connect:
    """Connect to a fixed place, from here."""

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(host, port)

    return connect
