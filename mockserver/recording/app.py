"""The HTTP door of a hub that records: every POST goes to the live hub, and its answer comes back unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from mockserver.app import HubApp, say
from mockserver.state.answers import failure
from mockserver.state.cors import answer_headers
from mockserver.state.delivery import Message
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from mockserver.app import Receive, Scope, Send
    from mockserver.keeper import Keeper
    from mockserver.recording.live import Live, Said
    from mockserver.recording.recorder import Recorder
    from mockserver.state.delivery import Headers


class RecordingApp(HubApp):
    """The ASGI application between clients and a live hub."""

    def __init__(self, keeper: Keeper, live: Live, recorder: Recorder) -> None:
        super().__init__(keeper)
        self._live = live
        self._recorder = recorder
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Ends the connections to the live hub."""
        if self._client is not None:
            await self._client.aclose()

    async def _answer(self, scope: Scope, body: bytes | None, receive: Receive, send: Send) -> None:
        """Passes a request on, and its answer back; a client that has gone meanwhile loses only its own copy."""
        if body is None:
            await super()._answer(scope, body, receive, send)
            return
        if self._client is None:
            self._client = self._live.client()
        clock = self._keeper.clock
        began = clock.time()
        path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        try:
            said = await self._live.ask(self._client, path, scope["headers"], body)
        except httpx.HTTPError as error:
            why = f"The live hub {self._live.url} cannot be reached ({type(error).__name__}: {error})."
            await say(send, self._keeper.state.messages.refusal(failure(ErrorCode.INTERNAL_ERROR, why)))
            return
        self._recorder.add(scope["path"], body, said.body, clock.time() - began)
        await say(send, self._message(said, scope))

    def _message(self, said: Said, scope: Scope) -> Message:
        headers: Headers = (
            (b"content-type", said.content_type.encode("latin-1")),
            (b"content-length", b"%d" % len(said.body)),
        )
        if self._keeper.state.messages.cors:
            headers += answer_headers(dict(scope["headers"]).get(b"origin", b""))
        return Message(said.status, headers, said.body)
