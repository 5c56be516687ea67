"""Hubs that are wrong in their errors: the code, the sentence, or whom they let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state.answers import Answer, failure
from mockserver.state.behaviour import Behaviour
from mockserver.state.generations import Refused
from mockserver.state.services import Service
from mockserver.wrong.wrong_hub import WrongHub, answering, keeping, of_services
from neuroengine._generated.registry import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mockserver.state.generations import Generation

_NO_REGISTERED_CODE = 42


def _recoded(right: ErrorCode, wrong: ErrorCode) -> type[Behaviour]:
    """A behaviour that reports one error by the code of another."""

    class Recoded(Behaviour):
        """Reports another code."""

        def answer(self, request: dict[str, Any], answer: Answer) -> Answer:
            """The other error in the place of the right one."""
            content = answer.content
            is_own = isinstance(content, dict) and "error" in content
            return failure(wrong, "The hub cannot do this.") if is_own and answer.code == right else answer

    return Recoded


def _code_of_its_own(content: dict[str, Any]) -> dict[str, Any]:
    return content | ({"errorcode": _NO_REGISTERED_CODE} if content["errorcode"] == ErrorCode.UNKNOWN_COMMAND else {})


def _wait_left_out(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "retry_after"}


class AccessUnchecked(Behaviour):
    """Lets every client in."""

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Asks for nothing."""


class BearerUnread(Behaviour):
    """Lets nobody into a service with access keys."""

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Never finds a key."""
        super().check_access(service, None, request)


class KeyUnneeded(Behaviour):
    """Lets a client in that shows no access key."""

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Asks for a right key where there is one."""
        if access_key is not None:
            super().check_access(service, access_key, request)


class AccessKeyByItsBegin(Service):
    """A service that looks at the begin of an access key alone."""

    def admits(self, access_key: str | None) -> bool:
        """Any key that a right one begins will do."""
        shown = access_key or ""
        return any(super(AccessKeyByItsBegin, self).admits(shown[:size]) for size in range(len(shown) + 1))


class StreamKeyAdmits(Behaviour):
    """Lets everybody go on with a stream that somebody with an access key has begun."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Asks for a key where the stream is new."""
        key = str(request.get("key") or "")
        if key not in self._begun:
            super().check_access(service, access_key, request)
            self._begun |= {key} - {""}


class AccessByOnePath(Behaviour):
    """Asks for an access key where the path ends in a slash, and nowhere else."""

    _is_asked = True

    def service_name(self, path: str, known: Collection[str]) -> str:
        """Notes how the path ends."""
        self._is_asked = path.endswith("/")
        return super().service_name(path, known)

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Asks there alone."""
        if self._is_asked:
            super().check_access(service, access_key, request)


class StreamsBesideQuota(Behaviour):
    """Lets streams pass whose service has no quota left."""

    _is_stream = False

    def count(self, service: Service, now: float, *, is_new: bool) -> None:
        """Counts a stream as far as the quota goes."""
        try:
            super().count(service, now, is_new=is_new)
        except Refused:
            if not self._is_stream:
                raise

    def read_generation(self, request: dict[str, Any], limits: Mapping[str, float]) -> Generation:
        """Notes whether it is one."""
        generation = super().read_generation(request, limits)
        self._is_stream = bool(generation.key)
        return generation


class FieldKeyAdmits(Behaviour):
    """Takes the field `key` for an access key too."""

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Looks for the key in both places."""
        key = request.get("key")
        super().check_access(service, access_key or (key if isinstance(key, str) else None), request)


class NeedlessKeyRefused(Behaviour):
    """Refuses an access key that no service needs."""

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Refuses it."""
        if service is not None and access_key is not None and service.admits(None):
            raise Refused(failure(ErrorCode.UNAUTHORIZED, "The service takes no access key."))
        super().check_access(service, access_key, request)


class ListWithKeyRefused(Behaviour):
    """Refuses a command that comes with an access key."""

    def check_access(self, service: Service | None, access_key: str | None, request: dict[str, Any]) -> None:
        """Refuses it."""
        if service is None and access_key is not None:
            raise Refused(failure(ErrorCode.UNAUTHORIZED, "The hub does not know the access key."))
        super().check_access(service, access_key, request)


class LargeFrameIsWrongField(Service):
    """A service that reports a request which fits into no frame as a wrong field."""

    def frame(self, members: dict[str, Any]) -> bytes:
        """The frame, or the other error."""
        try:
            return super().frame(members)
        except Refused:
            raise Refused(failure(ErrorCode.INVALID_FIELD, "The message is long.", field="message")) from None


WRONG_HUBS = (
    WrongHub(
        "error_without_sentence",
        "NE-ERR-002",
        "leaves the sentence of an error empty",
        answering(lambda content: content | {"reply": ""} if content["errorcode"] else content),
    ),
    WrongHub(
        "code_of_its_own", "NE-ERR-003", "reports a code that is none of the registry's", answering(_code_of_its_own)
    ),
    WrongHub(
        "missing_message_is_wrong_field",
        "NE-CODE-003",
        "reports a missing message as a wrong field",
        _recoded(ErrorCode.MISSING_MESSAGE, ErrorCode.INVALID_FIELD),
    ),
    WrongHub(
        "unknown_command_is_missing_message",
        "NE-CODE-005",
        "reports an unknown command as a missing message",
        _recoded(ErrorCode.UNKNOWN_COMMAND, ErrorCode.MISSING_MESSAGE),
    ),
    WrongHub(
        "offline_is_unknown",
        "NE-CODE-007",
        "reports a provider that is away as an unknown service",
        _recoded(ErrorCode.PROVIDER_OFFLINE, ErrorCode.UNKNOWN_SERVICE),
    ),
    WrongHub("queue_unlimited", "NE-CODE-008", "lets any number of requests wait", keeping(queue_requests=1000)),
    WrongHub("quota_without_wait", "NE-CODE-009", "does not say how long to wait", answering(_wait_left_out)),
    WrongHub(
        "full_queue_is_offline",
        "NE-CODE-008",
        "reports a full queue as a provider that is away",
        _recoded(ErrorCode.QUEUE_FULL, ErrorCode.PROVIDER_OFFLINE),
    ),
    WrongHub(
        "quota_is_access",
        "NE-CODE-009",
        "reports a used quota as a wrong access key",
        _recoded(ErrorCode.QUOTA_EXCEEDED, ErrorCode.UNAUTHORIZED),
    ),
    WrongHub(
        "quota_wait_untrue",
        "NE-CODE-009",
        "says that a used quota lets the next request pass at once",
        answering(lambda content: content | {"retry_after": 0} if "retry_after" in content else content),
    ),
    WrongHub("streams_beside_quota", "NE-CODE-009", "refuses no stream for the quota", StreamsBesideQuota),
    WrongHub("access_unchecked", "NE-CODE-010", "asks for no access key", AccessUnchecked),
    WrongHub("access_key_unneeded", "NE-CODE-010", "lets a client in that shows no access key", KeyUnneeded),
    WrongHub(
        "access_key_by_its_begin",
        "NE-CODE-010",
        "looks at the begin of an access key alone",
        of_services(AccessKeyByItsBegin),
    ),
    WrongHub(
        "stream_key_admits", "NE-CODE-010", "lets everybody go on with a stream who knows its key", StreamKeyAdmits
    ),
    WrongHub("access_by_one_path", "NE-CODE-010", "asks for a key where the path ends in a slash", AccessByOnePath),
    WrongHub(
        "wrong_key_is_unknown_service",
        "NE-CODE-010",
        "reports a wrong access key as an unknown service",
        _recoded(ErrorCode.UNAUTHORIZED, ErrorCode.UNKNOWN_SERVICE),
    ),
    WrongHub(
        "large_body_is_bad_json",
        "NE-CODE-011",
        "reports a large body as no JSON",
        _recoded(ErrorCode.REQUEST_TOO_LARGE, ErrorCode.INVALID_JSON),
    ),
    WrongHub("small_bodies_only", "NE-LIM-001", "refuses a body over 8 KiB", keeping(http_body_bytes=1 / 8)),
    WrongHub("body_limit_ignored", "NE-LIM-003", "reads a body of any size", keeping(http_body_bytes=1000)),
    WrongHub(
        "late_provider_is_broken",
        "NE-CODE-012",
        "reports a silent provider as a broken one",
        _recoded(ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PROVIDER_ERROR),
    ),
    WrongHub(
        "broken_provider_is_offline",
        "NE-CODE-013",
        "reports a broken provider as one that is away",
        _recoded(ErrorCode.PROVIDER_ERROR, ErrorCode.PROVIDER_OFFLINE),
    ),
    WrongHub(
        "conflict_is_expired",
        "NE-CODE-014",
        "reports another message as an expired stream",
        _recoded(ErrorCode.STREAM_CONFLICT, ErrorCode.STREAM_EXPIRED),
    ),
    WrongHub(
        "stream_limit_is_full_queue",
        "NE-CODE-015",
        "reports too many streams as a full queue",
        _recoded(ErrorCode.STREAM_LIMIT, ErrorCode.QUEUE_FULL),
    ),
    WrongHub("streams_unlimited", "NE-CODE-015", "opens any number of streams", keeping(open_streams=1000)),
    WrongHub(
        "not_ready_is_broken",
        "NE-CODE-017",
        "reports a poll that waits in vain as a broken provider",
        _recoded(ErrorCode.NOT_READY, ErrorCode.PROVIDER_ERROR),
    ),
    WrongHub(
        "expired_is_conflict",
        "NE-CODE-018",
        "reports an expired stream as a conflict",
        _recoded(ErrorCode.STREAM_EXPIRED, ErrorCode.STREAM_CONFLICT),
    ),
    WrongHub(
        "large_frame_is_wrong_field",
        "NE-FRAME-011",
        "reports a message that fits into no frame as a wrong field",
        of_services(LargeFrameIsWrongField),
    ),
    WrongHub("bearer_unread", "NE-ACCESS-001", "does not read the Authorization header", BearerUnread),
    WrongHub("field_key_admits", "NE-ACCESS-002", "takes the field key for an access key", FieldKeyAdmits),
    WrongHub("needless_key_refused", "NE-ACCESS-003", "refuses an access key where none is needed", NeedlessKeyRefused),
    WrongHub("list_with_key_refused", "NE-ACCESS-004", "refuses getmodels with an access key", ListWithKeyRefused),
)
