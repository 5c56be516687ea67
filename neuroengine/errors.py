# ruff: noqa: D101 - the classes of the hub's errors take their docstrings from the registry
"""Every error that the library raises, as one tree.

    NeuroengineError                  the base; never raised itself
    ├── ConfigurationError            the client was set up wrongly; nothing was sent (a ValueError)
    ├── InvalidField                  a field of the request is not allowed; nothing was sent (a ValueError)
    ├── ConnectionFailed              no whole answer came
    │   ├── TimedOut                  ... in time
    │   └── TLSFailed                 ... because the hub could not be trusted
    ├── ProtocolError                 an answer came, and it is none of the protocol's
    ├── StreamGap                     an answer of a stream was lost, so text may be missing
    ├── LinkLost                      a provider's link is over: the hub closed it, fell silent, or broke the framing
    ├── LoginRefused                  the hub refused a provider's login
    ├── ProviderFailure               what a provider's callback raises to tell its client why there is no reply
    └── HubError                      the hub answered an error; codes outside the registry stay here
        └── one class for each code of the registry: `provider_offline` is `ProviderOfflineError`

Laws of this module: the registry alone says what a code means; an error never holds a key; an error survives pickling.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from neuroengine._generated.registry import BASE_URL, ERRORS, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_FREE_CODE: Final = 100
"""The first code that is not the registry's, so that a provider may give it a meaning of its own."""

_SHOWN_CHARS: Final = 80
"""The most characters of a refused value that an error shows."""


class NeuroengineError(Exception):
    """The base of every error of this library; never raised itself."""

    retryable: bool = False
    """Whether the same call may succeed if it is made again."""
    retry_after: float | None = None
    """Seconds to wait before that, where the hub said so."""

    def hide(self, secret: str) -> None:
        """Takes a secret out of everything that this error shows, in case a hub echoed it."""
        self.args = tuple(_hidden(part, secret) for part in self.args)
        vars(self).update({name: _hidden(value, secret) for name, value in vars(self).items()})

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuilt without its constructor, whose arguments are not its `args`.
        return type(self).__new__, (type(self), *self.args), vars(self)


def _hidden(value: Any, secret: str) -> Any:
    """The value without the secret, inside JSON's containers too."""
    if isinstance(value, str):
        return value.replace(secret, "[hidden]")
    if isinstance(value, dict):
        return {_hidden(name, secret): _hidden(member, secret) for name, member in value.items()}
    if isinstance(value, list):
        return [_hidden(member, secret) for member in value]
    return value


class ConfigurationError(NeuroengineError, ValueError):
    """Raised when the client was set up wrongly: an address, a certificate file, a time limit or an access key."""


class InvalidField(NeuroengineError, ValueError):
    """Raised before anything is sent, when the value of a field is not allowed.

    Attributes:
        field: the field's name in the request.
        value: the refused value; a stream key is never shown.
        rule: what is allowed, as words.
    """

    def __init__(self, field: str, value: object, rule: str) -> None:
        super().__init__(f"{field} must be {rule}; it was {_shown(value)}")
        self.field = field
        self.value = value
        self.rule = rule


def _shown(value: object) -> str:
    """The value in a few words."""
    try:
        words = repr(value)
    except ValueError:  # Python refuses to write very long integers
        return "a number of thousands of digits"
    return words if len(words) <= _SHOWN_CHARS else f"{words[:_SHOWN_CHARS]}…"


class ConnectionFailed(NeuroengineError):
    """Raised when no whole answer came from the hub.

    Attributes:
        request_sent: whether the hub may have read the request, so that it may have acted on it.
    """

    def __init__(self, message: str, *, request_sent: bool, retryable: bool = True) -> None:
        super().__init__(message)
        self.request_sent = request_sent
        self.retryable = retryable


class TimedOut(ConnectionFailed):
    """Raised when the connection, the next byte of an answer, or the whole call took too long."""


class TLSFailed(ConnectionFailed):
    """Raised when the hub's certificate is not trusted or no TLS connection can be agreed on."""


class ProtocolError(NeuroengineError):
    """Raised when the hub answered something that the protocol does not know; the message shows how it began.

    Attributes:
        status: the answer's HTTP status.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status
        # A gateway's own error page may be gone a second later; an address that answers 404 in HTML is a wrong address.
        self.retryable = status in {200, 408, 429} or status >= 500


class StreamGap(NeuroengineError):
    """Raised when an answer of a stream was lost and the hub cannot repeat it: text may be missing.

    Attributes:
        text: the text that came before the gap.
    """

    retryable = True

    def __init__(self, text: str) -> None:
        super().__init__(
            "an answer of the stream was lost and the hub does not say what it held, so text may be missing; "
            "start the stream again with a new key"
        )
        self.text = text


class LinkLost(NeuroengineError):
    """Raised when a provider's link is over: the hub closed it, fell silent, or sent what is no frame."""

    retryable = True


class LoginRefused(NeuroengineError):
    """Raised when the hub answered a provider's login with anything but `OK`.

    Attributes:
        service: the service's name, as it was sent.
        text: the hub's own words, shortened and without control characters; empty when it only closed the connection.
    """

    def __init__(self, service: str, text: str) -> None:
        words = f"it said {text!r}" if text else "it closed the connection"
        super().__init__(
            f"the hub refused the login to the service {service!r}: {words}; check the name and the service key"
        )
        self.service = service
        self.text = text


class ProviderFailure(NeuroengineError):
    """Raised by a provider's callback that cannot answer: its client gets the sentence as an error answer.

    Any other exception costs the same error answer in words that say nothing of the fault.

    Args:
        sentence: what the person at the client is told; no place for keys, addresses and stack traces.
        code: the answer's `errorcode`: that of "provider_error", or 100 and more for one of the provider's own.

    Raises:
        ValueError: the code is another one of the registry's.
    """

    def __init__(self, sentence: str, *, code: int = ErrorCode.PROVIDER_ERROR) -> None:
        if code != ErrorCode.PROVIDER_ERROR and code < FIRST_FREE_CODE:
            raise ValueError(
                f"code must be {ErrorCode.PROVIDER_ERROR} or {FIRST_FREE_CODE} and more; it was {code}, and the codes "
                "in between are the hub's"
            )
        super().__init__(sentence)
        self.sentence = sentence
        self.code = int(code)


class HubError(NeuroengineError):
    """Raised when the hub answered an error; itself only for codes outside the registry, a provider's own.

    Attributes:
        code: the `errorcode`.
        name: the error's name in the registry, empty for other codes.
        sentence: the hub's own sentence for a person.
        field: the field that the hub names, or None.
        retry_after: seconds to wait before the next request, or None.
        members: the whole answer, also the members that the protocol does not know.
        doc_url: the page that explains the error; the list of all errors for a provider's own code.
    """

    code: int
    name: str = ""
    doc_url: ClassVar[str] = f"{BASE_URL}errors/"
    retry: ClassVar[str] = "no"
    """The registry's word: `no`, `yes`, `after` (`retry_after` seconds) or `at-once`."""
    fix: ClassVar[str] = "Ask the service's operator what this code means."
    """What to do, from the registry."""

    def __init_subclass__(cls, *, code: ErrorCode) -> None:
        entry = ERRORS[code]
        cls.code, cls.name, cls.retry, cls.fix = entry.code, entry.name, entry.retry, entry.fix
        cls.retryable = entry.retry != "no"
        cls.doc_url = f"{HubError.doc_url}{entry.name}/"
        cls.__doc__ = f"Code {entry.code}, `{entry.name}`: {entry.when}"

    def __init__(
        self,
        sentence: str,
        *,
        code: int,
        field: str | None = None,
        retry_after: float | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        called = f"{code} ({self.name})" if self.name else str(code)
        super().__init__(f"the hub answered error {called}: {sentence or self.__doc__}")
        self.code = code
        self.sentence = sentence
        self.field = field
        self.retry_after = retry_after
        self.members = dict(members or {})


class InternalError(HubError, code=ErrorCode.INTERNAL_ERROR): ...


class InvalidJsonError(HubError, code=ErrorCode.INVALID_JSON): ...


class MissingMessageError(HubError, code=ErrorCode.MISSING_MESSAGE): ...


class InvalidFieldError(HubError, code=ErrorCode.INVALID_FIELD): ...


class UnknownCommandError(HubError, code=ErrorCode.UNKNOWN_COMMAND): ...


class UnknownServiceError(HubError, code=ErrorCode.UNKNOWN_SERVICE): ...


class ProviderOfflineError(HubError, code=ErrorCode.PROVIDER_OFFLINE): ...


class QueueFullError(HubError, code=ErrorCode.QUEUE_FULL): ...


class QuotaExceededError(HubError, code=ErrorCode.QUOTA_EXCEEDED): ...


class UnauthorizedError(HubError, code=ErrorCode.UNAUTHORIZED): ...


class RequestTooLargeError(HubError, code=ErrorCode.REQUEST_TOO_LARGE): ...


class ProviderTimeoutError(HubError, code=ErrorCode.PROVIDER_TIMEOUT): ...


class ProviderError(HubError, code=ErrorCode.PROVIDER_ERROR): ...


class StreamConflictError(HubError, code=ErrorCode.STREAM_CONFLICT): ...


class StreamLimitError(HubError, code=ErrorCode.STREAM_LIMIT): ...


class ShuttingDownError(HubError, code=ErrorCode.SHUTTING_DOWN): ...


class NotReadyError(HubError, code=ErrorCode.NOT_READY): ...


class StreamExpiredError(HubError, code=ErrorCode.STREAM_EXPIRED): ...


HUB_ERRORS: Final[Mapping[int, type[HubError]]] = MappingProxyType(
    {kind.code: kind for kind in HubError.__subclasses__()}
)
"""The class of each code of the registry."""
