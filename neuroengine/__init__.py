"""Use and share LLMs over the Neuroengine protocol.

Every public name is imported when it is first used, so that `import neuroengine` costs next to nothing.

PYTEST_DONT_REWRITE: a program may import this before it runs pytest, which would warn of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from neuroengine._version import __version__

if TYPE_CHECKING:
    from neuroengine.client import AsyncClient, Client
    from neuroengine.conversation import Conversation, Frame
    from neuroengine.errors import (
        ConfigurationError,
        ConnectionFailed,
        HubError,
        InvalidField,
        LinkLost,
        LoginRefused,
        NeuroengineError,
        ProtocolError,
        ProviderFailure,
        StreamGap,
        TimedOut,
        TLSFailed,
    )
    from neuroengine.events import RequestEvent, ResponseEvent, RetryEvent
    from neuroengine.models import Model
    from neuroengine.presence import ProviderState, StateChange
    from neuroengine.protocol.answers import Reply
    from neuroengine.protocol.jobs import Request
    from neuroengine.protocol.requests import Sampling
    from neuroengine.protocol.retry import Retry, Timeouts
    from neuroengine.provider import AsyncProvider, Provider
    from neuroengine.published import Neuroengine
    from neuroengine.server import NeuroengineServer
    from neuroengine.streams import AsyncStream, Stream

__all__ = [
    "AsyncClient",
    "AsyncProvider",
    "AsyncStream",
    "Client",
    "ConfigurationError",
    "ConnectionFailed",
    "Conversation",
    "Frame",
    "HubError",
    "InvalidField",
    "LinkLost",
    "LoginRefused",
    "Model",
    "Neuroengine",
    "NeuroengineError",
    "NeuroengineServer",
    "ProtocolError",
    "Provider",
    "ProviderFailure",
    "ProviderState",
    "Reply",
    "Request",
    "RequestEvent",
    "ResponseEvent",
    "Retry",
    "RetryEvent",
    "Sampling",
    "StateChange",
    "Stream",
    "StreamGap",
    "TLSFailed",
    "TimedOut",
    "Timeouts",
    "__version__",
]

_HOMES: Final = {
    "client": ("AsyncClient", "Client"),
    "conversation": ("Conversation", "Frame"),
    "errors": (
        "ConfigurationError",
        "ConnectionFailed",
        "HubError",
        "InvalidField",
        "LinkLost",
        "LoginRefused",
        "NeuroengineError",
        "ProtocolError",
        "ProviderFailure",
        "StreamGap",
        "TLSFailed",
        "TimedOut",
    ),
    "events": ("RequestEvent", "ResponseEvent", "RetryEvent"),
    "models": ("Model",),
    "presence": ("ProviderState", "StateChange"),
    "protocol.answers": ("Reply",),
    "protocol.jobs": ("Request",),
    "protocol.requests": ("Sampling",),
    "protocol.retry": ("Retry", "Timeouts"),
    "provider": ("AsyncProvider", "Provider"),
    "published": ("Neuroengine",),
    "server": ("NeuroengineServer",),
    "streams": ("AsyncStream", "Stream"),
}
"""The module that each public name lives in."""


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"neuroengine.{home}"), name)
            return value
    raise AttributeError(f"module 'neuroengine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
