"""The tutorial's hub, open to providers: who has the key answers for the service."""

import asyncio
import hmac
import json
import os
import re
import ssl
import sys
import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any

from hub import SERVICE, Handler, Hub, Refused

LOGIN_S, PING_S, ANSWER_S = 30, 30, 180
MOST_LOGIN_BYTES, MOST_FRAME_BYTES, MOST_PAYLOAD_BYTES = 4096, 49_151, 4 * 2**20
PAGE_BYTES = 4096  # a frame that fills whole pages hangs deployed providers
KEPT_BACK = {"key", "gettokens", "seq", "ping"}


# --8<-- [start:link]
class Link:
    """One provider's connection: a request out, its answer in, and pings in between."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer
        self.turn = asyncio.Lock()  # one request at a time
        self.answer: asyncio.Future[bytes] | None = None
        self.is_over = False

    async def ask(self, frame: bytes) -> bytes:
        """Sends one frame, and returns the payload that comes back."""
        async with self.turn:
            if self.is_over:
                raise Refused(7, "The model's provider has gone.")
            self.answer = asyncio.get_running_loop().create_future()
            self.writer.write(frame)
            try:
                async with asyncio.timeout(ANSWER_S):
                    return await self.answer
            except TimeoutError:
                self.end()  # its answer may still come, and belongs to nobody
                raise Refused(12, "The model took too long.") from None
            finally:
                self.answer = None

    async def ping(self) -> None:
        """Shows the provider that the hub is there."""
        while True:
            await asyncio.sleep(PING_S)
            async with self.turn:
                self.writer.write(b'{"ping": 1}')

    async def serve(self) -> None:
        """Hands each answer to the request that waits for it, until the link is over."""
        pinging = asyncio.create_task(self.ping())
        with suppress(OSError, asyncio.IncompleteReadError):
            while (payload := await self.payload()) is not None:
                if self.answer is None or self.answer.done():
                    break  # nobody waits any more
                self.answer.set_result(payload)
        pinging.cancel()
        self.end()
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(Refused(13, "The model's provider has gone."))

    async def payload(self) -> bytes | None:
        """The next answer: eight hex digits, and so many bytes. None where it is none."""
        digits = await self.reader.readexactly(1)
        if self.answer is None:
            return None  # nobody asked
        digits += await self.reader.readexactly(7)
        if not re.fullmatch(rb"[0-9A-Fa-f]{8}", digits):
            return None
        size = int(digits, 16)
        return await self.reader.readexactly(size) if size <= MOST_PAYLOAD_BYTES else None

    def end(self) -> None:
        """Ends the link at once; a farewell by TLS would wait for the provider's."""
        self.is_over = True
        self.writer.transport.abort()
        # --8<-- [end:link]


# --8<-- [start:hub]
class ProviderHub(Hub):
    """A hub that knows no model, and asks the one who is logged in."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.link: Link | None = None
        self.loop = asyncio.new_event_loop()

    async def welcome(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Lets a provider in; it takes the place of one that lost its connection."""
        is_known = False
        with suppress(OSError):
            async with asyncio.timeout(LOGIN_S):
                is_known = self.knows(await read_login(reader))
            writer.write(b"OK" if is_known else b"Wrong name or key.")
            await writer.drain()
        if not is_known:
            writer.close()
            return
        before, link = self.link, Link(reader, writer)
        self.link = link
        if before is not None:
            before.end()
        await link.serve()
        if self.link is link:
            self.link = None

    def knows(self, login: Any) -> bool:
        """Whether a login has the service's name and key; other members do not matter."""
        if not isinstance(login, dict) or login.get("user") != SERVICE:
            return False
        return hmac.compare_digest(str(login.get("key")).encode(), self.key.encode())

    def whole(self, request: dict[str, Any]) -> list[str]:
        """The provider's reply, cut into words."""
        link, frame = self.link, frame_of(request)
        if link is None:
            raise Refused(7, "Nobody shares this model at the moment. Try again later.")
        with self.lock:
            self.generations += 1
        payload = asyncio.run_coroutine_threadsafe(link.ask(frame), self.loop).result()
        return re.findall(r"\s*\S{1,16}|\s+", read_answer(payload))

    def models(self, command: object) -> list[dict[str, Any]]:
        """The list of the services."""
        is_connected = self.link is not None
        return [entry | {"connected": is_connected} for entry in super().models(command)]
        # --8<-- [end:hub]


# --8<-- [start:messages]
def frame_of(request: dict[str, Any]) -> bytes:
    """A client's request as its provider gets it."""
    members = {name: value for name, value in request.items() if name not in KEPT_BACK}
    if "raw" in members:
        members["raw"] = str(members["raw"]).capitalize()
    frame = json.dumps(members).encode()
    if len(frame) % PAGE_BYTES == 0:
        frame += b" "
    if len(frame) > MOST_FRAME_BYTES:
        raise Refused(11, "The request is too long for the model's provider.")
    return frame


def read_answer(payload: bytes) -> str:
    """The reply in a provider's answer."""
    answer: Any = None
    with suppress(ValueError, RecursionError):
        answer = json.loads(payload)
    reply = answer.get("reply") if isinstance(answer, dict) else None
    code = answer.get("errorcode", 0) if isinstance(answer, dict) else None
    if not isinstance(reply, str) or type(code) is not int:
        raise Refused(13, "The model's provider answered nonsense.")
    text = reply.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if code != 0:
        raise Refused(code, text)
    return text


async def read_login(reader: asyncio.StreamReader) -> Any:
    """The login object, which has neither length nor end: it is there when it reads."""
    received = b""
    while len(received) < MOST_LOGIN_BYTES:
        more = await reader.read(MOST_LOGIN_BYTES - len(received))
        if not more:
            break
        received += more
        with suppress(ValueError, RecursionError):
            return json.loads(received)
    return None
    # --8<-- [end:messages]


# --8<-- [start:main]
async def listen(hub: ProviderHub, port: int, certificate: str) -> None:
    """Listens for providers, by TLS; the certificate's file holds its key too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(hub.welcome, "127.0.0.1", port, ssl=context)
    port = server.sockets[0].getsockname()[1]
    print(f"Providers log in at localhost:{port}", flush=True)


if __name__ == "__main__":
    http_port, provider_port, certificate = sys.argv[1:]
    hub = Handler.hub = ProviderHub(os.environ["SERVICE_KEY"])
    hub.loop.run_until_complete(listen(hub, int(provider_port), certificate))
    threading.Thread(target=hub.loop.run_forever, daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", int(http_port)), Handler)
    print(f"The hub is at http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
    # --8<-- [end:main]
