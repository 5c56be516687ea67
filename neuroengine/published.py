"""The published client surface, `Neuroengine`, kept so that existing programs run unchanged, on top of the new core.

Its laws: `request` never raises; every failure is a sentence that begins with "Error:"; a stream never ends early
without one.
"""

from __future__ import annotations

import random
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from neuroengine._generated.registry import HUB_HOST, HUB_PORT
from neuroengine.errors import NeuroengineError, NotReadyError
from neuroengine.protocol import fields, requests
from neuroengine.protocol.flow import model_list, whole_reply
from neuroengine.protocol.retry import Budget, Retry, Timeouts
from neuroengine.protocol.stream import StreamSession, checked_key
from neuroengine.transport.address import access_key, hub_url, published_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neuroengine.transport.http import Hub

_DEFAULT: Final = fields.defaults()
_OPEN_STREAMS: Final = 256
"""How many streams are remembered between calls; past that, the one that was unused longest is forgotten."""


class Neuroengine:
    """One service of a hub.

    Args:
        service_name: the service, as `getModels` names it.
        server_address: the hub's host. With the default address and port NEUROENGINE_URL may name another hub.
        server_port: the hub's HTTPS port.
        key: the access key, for services that need one (NE-PYC-012).
        verify_ssl: whether the hub's certificate is checked; False is still HTTPS (NE-PYC-011).
    """

    def __init__(
        self,
        service_name: str,
        server_address: str = HUB_HOST,
        server_port: int = HUB_PORT,
        key: str = "",
        verify_ssl: bool = True,
    ) -> None:
        self.service_name = service_name
        self._address = (server_address, server_port)
        self._access_key = key
        self._verify = verify_ssl
        self._timeouts = Timeouts()
        self._opened: Hub | None = None
        self._streams: OrderedDict[str, _PublishedStream] = OrderedDict()
        self._lock = threading.Lock()

    def request(
        self,
        prompt: str | None,
        temperature: float = _DEFAULT["temperature"],
        top_p: float = _DEFAULT["top_p"],
        min_p: float = _DEFAULT["min_p"],
        top_k: int = _DEFAULT["top_k"],
        repetition_penalty: float = _DEFAULT["repetition_penalty"],
        max_new_len: int = _DEFAULT["max_new_len"],
        seed: int = _DEFAULT["seed"],
        raw: bool = False,
        tries: int = 5,
        gettokens: int = _DEFAULT["gettokens"],
        streamkey: str = "",
    ) -> str:
        """The reply to the prompt, or with a stream key its next piece, or a sentence that begins with "Error:".

        Args:
            prompt: the prompt; None gives "" without asking the hub.
            temperature: randomness of the output, no unit, 0 or more; 0 is greedy.
            top_p: the share of probability that the most probable tokens must reach, 0 to 1.
            min_p: the least probability of a token, as a share of the most probable one's, 0 to 1.
            top_k: how many of the most probable tokens are considered, 0 or more; 0 means no limit.
            repetition_penalty: a penalty on repeated tokens, no unit, above 0; 1 is neutral.
            max_new_len: the most tokens of the reply, 0 or more.
            seed: the random seed, a signed 64 bit integer.
            raw: whether the prompt goes to the model without pre-prompt.
            tries: the most requests that this call sends, 1 or more; they are spread over seconds.
            gettokens: the most tokens in one piece, 1 or more.
            streamkey: a random text, up to 256 characters, that names a stream: call again with it until "" comes.
        """
        if prompt is None:
            return ""  # NE-PYC-009
        sampling = {
            "temperature": temperature,
            "top_p": top_p,
            "min_p": min_p,
            "top_k": top_k,
            "repetition_penalty": repetition_penalty,
            "max_new_len": max_new_len,
            "seed": seed,
            "raw": raw,
        }
        try:
            members = requests.generation(prompt, sampling)
            budget = self._budget(Retry(tries=tries))
            path = f"/{fields.check_service(self.service_name)}"
            if streamkey:
                return self._next_piece(
                    path, members, checked_key(streamkey), fields.check("gettokens", gettokens), budget
                )
            return self._hub().run(whole_reply(path, requests.encoded(members), budget)).text
        except NeuroengineError as error:  # NE-PYC-007
            return f"Error: {error}"

    def getModels(self) -> list[dict[str, Any]]:  # noqa: N802 - the published name
        """The services of the hub, as the hub describes them: name, connected, numreq, queuelen, comment, operator.

        Raises:
            HubError: the hub answered an error.
            ConnectionFailed: no whole answer came.
            ProtocolError: the answer is no model list.
        """
        return self._hub().run(model_list("/", requests.encoded(requests.model_list()), self._budget(Retry())))

    def _next_piece(self, path: str, members: Mapping[str, Any], key: str, gettokens: int, budget: Budget) -> str:
        """The next piece of that key's stream, which is remembered until it is over, so that no loss goes unnoticed."""
        with self._lock:
            stream = self._streams.get(key)
            if stream is None or stream.session.message != members["message"]:
                stream = self._streams[key] = _PublishedStream(path, members, key)
            self._streams.move_to_end(key)
            while len(self._streams) > _OPEN_STREAMS:
                self._streams.popitem(last=False)
        with stream.turn:
            try:
                piece = "" if stream.failed else self._hub().run(stream.session.next_piece(budget, gettokens))
            except NotReadyError:  # the stream goes on; only this call's tries are used up
                raise
            except NeuroengineError:
                # After a piece a failure is final: this call says so, and the next one ends the program's loop.
                stream.failed = bool(stream.session.text)
                if not stream.failed:
                    self._forget(key, stream)
                raise
            if not piece:
                self._forget(key, stream)
        return piece

    def _forget(self, key: str, stream: _PublishedStream) -> None:
        with self._lock:
            if self._streams.get(key) is stream:
                del self._streams[key]

    def _budget(self, retry: Retry) -> Budget:
        return Budget(
            retry, self._timeouts.total_s, clock=time.monotonic, chance=random.random, counts_not_ready=True
        )  # NE-PYC-008

    def _hub(self) -> Hub:
        """The hub, opened when it is first needed and kept open."""
        with self._lock:
            if self._opened is None:
                from neuroengine.transport.http import Hub  # here, because it brings httpx

                is_default = self._address == (HUB_HOST, HUB_PORT)
                self._opened = Hub(
                    hub_url(None if is_default else published_url(*self._address)),
                    access_key=access_key(self._access_key),
                    timeouts=self._timeouts,
                    verify=self._verify,
                )
            return self._opened


class _PublishedStream:
    """What is remembered of a stream between two calls of a program."""

    def __init__(self, path: str, members: Mapping[str, Any], key: str) -> None:
        # The program's key may have been used before, so the first poll does not ask for a piece by its index.
        self.session = StreamSession(path, members, key=key, ask_first=False)
        self.turn = threading.Lock()
        self.failed = False
