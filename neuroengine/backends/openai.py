"""The backend that asks an OpenAI-compatible server: vLLM, llama.cpp, Ollama, or one in the cloud.

Here is what talks to the server; what is said, and what the answers mean, stand in `openai_request` and
`openai_answer`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from neuroengine._generated.registry import PROVIDER_ANSWER_S, PROVIDER_PAYLOAD_BYTES
from neuroengine.backends.openai_answer import BrokenOff, Refusal, ReplyReader, model_names, whole_reply
from neuroengine.backends.openai_request import completion_request, refused_fields
from neuroengine.errors import ConfigurationError, ProviderFailure
from neuroengine.transport.address import header_key, http_url
from neuroengine.transport.openai import ModelServer, ServerFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from neuroengine.protocol.jobs import Request
    from neuroengine.protocol.requests import Sampling
    from neuroengine.transport.openai import ServerAnswer

_LOG: Final = logging.getLogger("neuroengine.backends")

KEY_VARIABLE: Final = "OPENAI_API_KEY"
_VERSION: Final = re.compile(r"/v\d")
CHECK_S: Final = 10.0
"""How long a server may take to list its models before the first request. Unit: seconds."""


class OpenAI:
    """Answers with what a server's model says, as it comes.

    Args:
        target: the server's address, with or without `/v1` at its end, and behind a `#` the model's name. Without a
            name the first of the server's models answers.
        key: the server's API key; otherwise OPENAI_API_KEY, or none.
        timeout: how long the server may send nothing of a reply, in seconds.

    Raises:
        ConfigurationError: the address is none, or the key cannot be one.
    """

    def __init__(self, target: str, *, key: str | None = None, timeout: float = PROVIDER_ANSWER_S) -> None:
        url, self._named = _parts(target)
        self._key = _api_key(key)
        self._timeout = timeout
        self._server = ModelServer(url, key=self._key, timeout=timeout)
        self._found = ""
        self._unknown: frozenset[str] = frozenset()

    async def __call__(self, request: Request) -> AsyncIterator[str]:
        """The reply's text, piece by piece.

        Raises:
            ProviderFailure: the server could not be reached, refused, fell silent, broke off or wrote too much.
        """
        sampling = request.sampling
        if sampling["max_new_len"] == 0:  # NE-REQ-034; some servers take 0 for "as much as you like"
            return
        try:
            async with aclosing(self._reply(request.message, sampling)) as texts:
                async for text in texts:
                    yield text
        except (ServerFailed, Refusal, BrokenOff, TimeoutError) as error:
            _LOG.warning("%s: %s", self._server.url, self._told(error))
            raise ProviderFailure(_sentence(error, raw=sampling["raw"])) from None

    async def check(self) -> str:
        """The model and the server that will answer.

        Raises:
            ConfigurationError: the server does not answer as it must, or has no model; the message says what to do.
        """
        url = self._server.url
        try:
            async with asyncio.timeout(CHECK_S):
                names = await self._models()
        except (ServerFailed, TimeoutError) as error:
            raise ConfigurationError(
                f"no model server answers at {url} ({self._told(error)}); start it, or check the address"
            ) from None
        except (Refusal, BrokenOff) as error:
            status = error.status if isinstance(error, Refusal) else 200
            if self._named and status in {404, 405, 501}:
                names = []  # not every server lists its models
            elif status in {401, 403}:
                raise ConfigurationError(
                    f"{url} {'refuses the API key' if self._key else 'asks for an API key'}; put it into "
                    f"{KEY_VARIABLE}, or into a file and name that (--backend-key-file)"
                ) from None
            else:
                raise ConfigurationError(
                    f"{url} did not list its models as OpenAI-compatible servers do ({self._told(error)}); check the "
                    "address"
                ) from None
        if not self._named and not names:
            raise ConfigurationError(
                f"{url} has no model to answer with; load one there, or name one: openai:{url}#MODEL"
            )
        self._found = names[0] if names else ""
        words = f"the model {self._named or self._found} at {url}"
        if self._named and names and self._named not in names:
            words += f", which lists {', '.join(names[:5])} and not that one"
        if self._key and not _is_private(url):
            words += "; the API key travels there unencrypted"
        return words

    async def _reply(self, message: str, sampling: Sampling) -> AsyncGenerator[str, None]:
        """The reply, asked for until the server takes the request."""
        left_out, learnt, length = self._unknown, frozenset[str](), 0
        while True:
            path, members = completion_request(message, sampling, await self._model(), left_out)
            async with self._server.exchange(path, members) as answer:
                if answer.status == 200:
                    self._learn(learnt)
                    async with aclosing(self._texts(answer)) as texts:
                        async for text in texts:
                            length += len(text)
                            if length > PROVIDER_PAYLOAD_BYTES:
                                _LOG.warning("%s: the reply is longer than any that a hub takes", self._server.url)
                                raise ProviderFailure("The reply is too long.")
                            yield text
                    return
                refused = await self._refusal(answer)
            dropped = refused_fields(refused, members)
            if not dropped:
                if refused.status == 404:
                    self._found = ""  # the server may have another model by now
                raise refused
            _LOG.info("%s: %s; asking again without %s", self._server.url, self._told(refused), ", ".join(dropped))
            left_out |= dropped
            if refused.is_about_unknown_fields:
                learnt |= dropped

    async def _texts(self, answer: ServerAnswer) -> AsyncGenerator[str, None]:
        """The texts of a reply that the server has begun to give."""
        if not answer.is_stream:
            async with asyncio.timeout(self._timeout):
                body = await answer.read()
            yield whole_reply(body)
            return
        reader, chunks = ReplyReader(), answer.chunks()
        while not reader.is_whole:
            async with asyncio.timeout(self._timeout):
                texts = await _next_texts(reader, chunks)
            for text in filter(None, texts):
                yield text

    def _learn(self, unknown: frozenset[str]) -> None:
        """Notes fields that the server does not know: it answered as soon as they were left out."""
        if unknown - self._unknown:
            _LOG.warning(
                "%s takes no %s; requests go without from now on", self._server.url, ", ".join(sorted(unknown))
            )
            self._unknown |= unknown

    async def _model(self) -> str:
        """The name of the model to ask."""
        if not self._named and not self._found:
            names = await self._models()
            if not names:
                raise Refusal(404, "the server has no model")
            self._found = names[0]
        return self._named or self._found

    async def _models(self) -> list[str]:
        """The names of the server's models."""
        async with self._server.exchange("/models") as answer:
            if answer.status != 200:
                raise await self._refusal(answer)
            return model_names(await answer.read())

    async def _refusal(self, answer: ServerAnswer) -> Refusal:
        """The error that an answer means, without the key, in case the server echoed it."""
        words = (await answer.read()).decode("utf-8", "replace").strip()
        return Refusal(answer.status, self._hidden(words), retry_after=answer.retry_after)

    def _told(self, error: Exception) -> str:
        """An error's words for the operator."""
        return self._hidden(str(error)) or f"nothing came for {self._timeout:g} s"

    def _hidden(self, words: str) -> str:
        return words.replace(self._key, "[hidden]") if self._key else words


async def _next_texts(reader: ReplyReader, chunks: AsyncIterator[bytes]) -> list[str]:
    """The texts of the events that come next. Comments, with which some servers say "still here", are none."""
    async for chunk in chunks:
        texts = reader.feed(chunk)
        if texts or reader.is_whole:
            return texts
    return reader.feed(b"")


def _sentence(error: Exception, *, raw: bool) -> str:
    """What a client is told."""
    if isinstance(error, Refusal):
        return error.sentence(raw=raw)
    if isinstance(error, ServerFailed) and not error.reached:
        return "The model cannot be reached at the moment."
    if isinstance(error, TimeoutError) or (isinstance(error, ServerFailed) and error.late):
        return "The model took too long."
    return "The model broke off its reply."


def _parts(target: str) -> tuple[str, str]:
    """The base of the server's API, and the model's name or the empty text.

    Raises:
        ConfigurationError: the target is no address.
    """
    given, _, model = target.partition("#")
    url = http_url(
        given,
        source="the backend's URL",
        whose="a model server",
        form="http://host:port, with /v1 or without",
        key_place=f"a key goes into {KEY_VARIABLE}",
    )
    return url if _VERSION.search(urlsplit(url).path) else f"{url}/v1", unquote(model)


def _is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent there."""
    host = urlsplit(url).hostname or ""
    return url.startswith("https://") or host in {"localhost", "::1"} or host.startswith("127.")


def _api_key(key: str | None) -> str:
    """The API key, which may be empty.

    Raises:
        ConfigurationError: it holds a character that a header cannot carry; the key itself is not shown.
    """
    return header_key((key if key is not None else os.environ.get(KEY_VARIABLE, "")).strip(), "API key")
