"""A caller: what both clients know of a call before any hub is asked. It checks the arguments and makes the flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neuroengine.protocol import fields, requests
from neuroengine.protocol.flow import model_list, whole_reply
from neuroengine.protocol.retry import Budget, Retry, Timeouts
from neuroengine.protocol.stream import StreamSession, checked_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from neuroengine.events import Hooks
    from neuroengine.protocol.answers import Reply
    from neuroengine.protocol.flow import Flow


class Caller:
    """What both clients share: the settings of a call, and its flow."""

    def __init__(
        self,
        service: str,
        timeouts: Timeouts | None,
        retry: Retry | None,
        clock: Callable[[], float],
        chance: Callable[[], float],
        new_key: Callable[[], str],
        hooks: Hooks,
    ) -> None:
        self._service = fields.check_service(service)
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or Retry()
        self._clock = clock
        self._chance = chance
        self._new_key = new_key
        self._hooks = hooks

    @property
    def service(self) -> str:
        """The service that is asked when a call names no other."""
        return self._service

    def _budget(self) -> Budget:
        return Budget(self._retry, self._timeouts.total_s, clock=self._clock, chance=self._chance)

    def _stream_budget(self) -> Budget:
        times = self._timeouts
        return Budget(self._retry, times.total_s, piece_s=times.piece_s, clock=self._clock, chance=self._chance)

    def _path(self, service: str | None) -> str:
        return f"/{self._service if service is None else fields.check_service(service)}"

    def _reply(self, prompt: str, service: str | None, sampling: Mapping[str, object]) -> Flow[Reply]:
        return whole_reply(self._path(service), requests.encoded(requests.generation(prompt, sampling)), self._budget())

    def _model_list(self) -> Flow[list[dict[str, Any]]]:
        return model_list("/", requests.encoded(requests.model_list()), self._budget())

    def _session(
        self, prompt: str, key: str | None, service: str | None, sampling: Mapping[str, object]
    ) -> StreamSession:
        return StreamSession(
            self._path(service),
            requests.generation(prompt, sampling),
            key=self._new_key() if key is None else checked_key(key),
            new_key=self._new_key if key is None else None,
        )


def piece_size(gettokens: int | None) -> int:
    """The checked number of tokens in a piece."""
    size: int = fields.check("gettokens", fields.defaults()["gettokens"] if gettokens is None else gettokens)
    return size
