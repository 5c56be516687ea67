"""The HTTP door of a hub that records: every POST goes to the live hub, and its answer comes back unchanged.

The journal holds what passed by, as it does of every hub.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx

from mockserver.app import HubApp, say
from mockserver.recording.recorder import service_in
from mockserver.state.answers import Answer, failure
from mockserver.state.cors import answer_headers
from mockserver.state.delivery import Message
from mockserver.state.json_text import BadJson, read_object
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
        with self._keeper as began:
            state = self._keeper.state
            exchange = state.begin(scope["path"], len(body), began)
            exchange.service = service_in(scope["path"])
            with suppress(BadJson):
                exchange.request = read_object(body)
        path = scope.get("raw_path", b"").decode("latin-1") or scope["path"]
        try:
            said = await self._live.ask(self._client, path, scope["headers"], body)
        except httpx.HTTPError as error:
            why = f"The live hub {self._live.url} cannot be reached ({type(error).__name__}: {error})."
            answer = failure(ErrorCode.INTERNAL_ERROR, why)
            message = state.messages.refusal(answer)
        else:
            answer, message = _answer(said.body), self._message(said, scope)
            self._recorder.add(scope["path"], body, said.body, self._keeper.clock.time() - began)
        with self._keeper as now:
            exchange.status = message.status
            exchange.deliver(answer, now)
            if state.journal is not None:
                state.journal.settled(exchange)
        await say(send, message)

    def _message(self, said: Said, scope: Scope) -> Message:
        headers: Headers = (
            (b"content-type", said.content_type.encode("latin-1")),
            (b"content-length", b"%d" % len(said.body)),
        )
        if self._keeper.state.messages.cors:
            headers += answer_headers(dict(scope["headers"]).get(b"origin", b""))
        return Message(said.status, headers, said.body)


def _answer(body: bytes) -> Answer:
    """What a live hub said, for the journal; what is no answer of the protocol's is kept as it came."""
    try:
        said = json.loads(body)
    except ValueError:
        said = body.decode("utf-8", "replace")
    code = said.get("errorcode", 0) if isinstance(said, dict) else 0
    return Answer(said, code if type(code) is int else 0)
