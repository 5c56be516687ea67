"""The spec's state machines, as tables (state, event) -> state. Generated from spec/registry/machines.toml by tools/generate.py; do not edit.

sha256 5cde804d71e1ec317819985c860047b0dea784524d44fa15cce2c28afb749255
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class ClientStreamState(Enum):
    """A stream, seen by the client: its states."""

    OPENING = "opening"
    """No piece came yet."""
    FLOWING = "flowing"
    """At least one piece came, and the end did not."""
    UNCERTAIN = "uncertain"
    """An answer may have been lost; only an answer that echoes `seq` tells what it held."""
    ENDED = "ended"
    """The empty end came: the reply is complete."""
    FAILED = "failed"
    """The stream cannot go on; the text so far is not the whole reply."""
    CANCELLED = "cancelled"
    """The client left before the end."""


class ClientStreamEvent(Enum):
    """A stream, seen by the client: its events."""

    PIECE = "piece"
    """An answer with code 0 and text."""
    END = "end"
    """An answer with code 0 and the empty reply."""
    NOT_READY = "not_ready"
    """Code 17: nothing was lost."""
    REFUSED = "refused"
    """An error that may be retried with the same key: it came before the first piece."""
    LOST = "lost"
    """A poll was sent and its answer did not arrive whole."""
    GAP = "gap"
    """After a loss the hub went on without echoing `seq`: text may be missing."""
    FAILURE = "failure"
    """An error that is final, or no tries are left."""
    CANCEL = "cancel"
    """The client's program leaves the stream."""


CLIENT_STREAM: Final[Mapping[tuple[ClientStreamState, ClientStreamEvent], ClientStreamState]] = MappingProxyType(
    {
        (ClientStreamState.OPENING, ClientStreamEvent.PIECE): ClientStreamState.FLOWING,
        (ClientStreamState.FLOWING, ClientStreamEvent.PIECE): ClientStreamState.FLOWING,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.PIECE): ClientStreamState.FLOWING,
        (ClientStreamState.OPENING, ClientStreamEvent.END): ClientStreamState.ENDED,
        (ClientStreamState.FLOWING, ClientStreamEvent.END): ClientStreamState.ENDED,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.END): ClientStreamState.ENDED,
        (ClientStreamState.OPENING, ClientStreamEvent.NOT_READY): ClientStreamState.OPENING,
        (ClientStreamState.FLOWING, ClientStreamEvent.NOT_READY): ClientStreamState.FLOWING,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.NOT_READY): ClientStreamState.UNCERTAIN,
        (ClientStreamState.OPENING, ClientStreamEvent.REFUSED): ClientStreamState.OPENING,
        (ClientStreamState.OPENING, ClientStreamEvent.LOST): ClientStreamState.UNCERTAIN,
        (ClientStreamState.FLOWING, ClientStreamEvent.LOST): ClientStreamState.UNCERTAIN,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.LOST): ClientStreamState.UNCERTAIN,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.GAP): ClientStreamState.FAILED,
        (ClientStreamState.OPENING, ClientStreamEvent.FAILURE): ClientStreamState.FAILED,
        (ClientStreamState.FLOWING, ClientStreamEvent.FAILURE): ClientStreamState.FAILED,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.FAILURE): ClientStreamState.FAILED,
        (ClientStreamState.OPENING, ClientStreamEvent.CANCEL): ClientStreamState.CANCELLED,
        (ClientStreamState.FLOWING, ClientStreamEvent.CANCEL): ClientStreamState.CANCELLED,
        (ClientStreamState.UNCERTAIN, ClientStreamEvent.CANCEL): ClientStreamState.CANCELLED,
    }
)
"""A stream, seen by the client."""
CLIENT_STREAM_INITIAL: Final = ClientStreamState.OPENING


class HubStreamState(Enum):
    """A stream, seen by the hub: its states."""

    STARTING = "starting"
    """The generation was accepted and no piece was delivered."""
    FLOWING = "flowing"
    """At least one piece was delivered."""
    ENDED = "ended"
    """The end was delivered; the same message keeps getting it."""
    BROKEN = "broken"
    """A failure came after a delivered piece; the key repeats it."""
    DROPPED = "dropped"
    """Nobody polled for too long; the key answers stream_expired."""
    FREE = "free"
    """The key is new again."""


class HubStreamEvent(Enum):
    """A stream, seen by the hub: its events."""

    PIECE = "piece"
    """A poll is answered with text."""
    END = "end"
    """A poll is answered with the empty end."""
    NOT_READY = "not_ready"
    """A poll is answered with code 17."""
    CONFLICT = "conflict"
    """A poll is answered with code 14: a wrong `seq`, or another message before the end."""
    EXPIRED = "expired"
    """A poll is answered with code 18."""
    FAILURE = "failure"
    """A poll is answered with any other error of the generation."""
    IDLE = "idle"
    """No poll came for `stream_idle_s`."""
    FORGET = "forget"
    """`end_kept_s` passed since the end, the failure or the drop."""
    RESTART = "restart"
    """Another message came under the key of a finished stream."""


HUB_STREAM: Final[Mapping[tuple[HubStreamState, HubStreamEvent], HubStreamState]] = MappingProxyType(
    {
        (HubStreamState.STARTING, HubStreamEvent.PIECE): HubStreamState.FLOWING,
        (HubStreamState.FLOWING, HubStreamEvent.PIECE): HubStreamState.FLOWING,
        (HubStreamState.STARTING, HubStreamEvent.END): HubStreamState.ENDED,
        (HubStreamState.FLOWING, HubStreamEvent.END): HubStreamState.ENDED,
        (HubStreamState.ENDED, HubStreamEvent.END): HubStreamState.ENDED,
        (HubStreamState.STARTING, HubStreamEvent.NOT_READY): HubStreamState.STARTING,
        (HubStreamState.FLOWING, HubStreamEvent.NOT_READY): HubStreamState.FLOWING,
        (HubStreamState.STARTING, HubStreamEvent.CONFLICT): HubStreamState.STARTING,
        (HubStreamState.FLOWING, HubStreamEvent.CONFLICT): HubStreamState.FLOWING,
        (HubStreamState.ENDED, HubStreamEvent.CONFLICT): HubStreamState.ENDED,
        (HubStreamState.DROPPED, HubStreamEvent.EXPIRED): HubStreamState.DROPPED,
        (HubStreamState.STARTING, HubStreamEvent.FAILURE): HubStreamState.FREE,
        (HubStreamState.FLOWING, HubStreamEvent.FAILURE): HubStreamState.BROKEN,
        (HubStreamState.BROKEN, HubStreamEvent.FAILURE): HubStreamState.BROKEN,
        (HubStreamState.STARTING, HubStreamEvent.IDLE): HubStreamState.DROPPED,
        (HubStreamState.FLOWING, HubStreamEvent.IDLE): HubStreamState.DROPPED,
        (HubStreamState.ENDED, HubStreamEvent.FORGET): HubStreamState.FREE,
        (HubStreamState.BROKEN, HubStreamEvent.FORGET): HubStreamState.FREE,
        (HubStreamState.DROPPED, HubStreamEvent.FORGET): HubStreamState.FREE,
        (HubStreamState.ENDED, HubStreamEvent.RESTART): HubStreamState.FREE,
        (HubStreamState.BROKEN, HubStreamEvent.RESTART): HubStreamState.FREE,
    }
)
"""A stream, seen by the hub."""
HUB_STREAM_INITIAL: Final = HubStreamState.STARTING


class ProviderLinkState(Enum):
    """The link between a provider and a hub: its states."""

    CONNECTED = "connected"
    """TLS is up; nobody has logged in."""
    LOGGING_IN = "logging_in"
    """The login was sent and not yet answered."""
    READY = "ready"
    """Logged in, with no request outstanding."""
    ANSWERING = "answering"
    """One request is outstanding."""
    DISCARDING = "discarding"
    """The outstanding request was given up; its late answer will be thrown away."""
    CLOSED = "closed"
    """The connection is over."""


class ProviderLinkEvent(Enum):
    """The link between a provider and a hub: its events."""

    LOGIN = "login"
    """The provider sends its login object."""
    ACCEPT = "accept"
    """The hub answers `OK`."""
    REFUSE = "refuse"
    """The hub answers anything else."""
    PING = "ping"
    """The hub sends a keep-alive."""
    REQUEST = "request"
    """The hub sends a request."""
    ANSWER = "answer"
    """The provider sends its answer."""
    ABANDON = "abandon"
    """The hub gives up waiting: the provider timed out, or the client has gone."""
    VIOLATION = "violation"
    """The other side broke the framing."""
    CLOSE = "close"
    """Either side closes, with or without TLS close-notify, or a time limit of the login passes."""


PROVIDER_LINK: Final[Mapping[tuple[ProviderLinkState, ProviderLinkEvent], ProviderLinkState]] = MappingProxyType(
    {
        (ProviderLinkState.CONNECTED, ProviderLinkEvent.LOGIN): ProviderLinkState.LOGGING_IN,
        (ProviderLinkState.LOGGING_IN, ProviderLinkEvent.ACCEPT): ProviderLinkState.READY,
        (ProviderLinkState.LOGGING_IN, ProviderLinkEvent.REFUSE): ProviderLinkState.CLOSED,
        (ProviderLinkState.READY, ProviderLinkEvent.PING): ProviderLinkState.READY,
        (ProviderLinkState.ANSWERING, ProviderLinkEvent.PING): ProviderLinkState.ANSWERING,
        (ProviderLinkState.DISCARDING, ProviderLinkEvent.PING): ProviderLinkState.DISCARDING,
        (ProviderLinkState.READY, ProviderLinkEvent.REQUEST): ProviderLinkState.ANSWERING,
        (ProviderLinkState.ANSWERING, ProviderLinkEvent.ANSWER): ProviderLinkState.READY,
        (ProviderLinkState.DISCARDING, ProviderLinkEvent.ANSWER): ProviderLinkState.READY,
        (ProviderLinkState.ANSWERING, ProviderLinkEvent.ABANDON): ProviderLinkState.DISCARDING,
        (ProviderLinkState.CONNECTED, ProviderLinkEvent.VIOLATION): ProviderLinkState.CLOSED,
        (ProviderLinkState.LOGGING_IN, ProviderLinkEvent.VIOLATION): ProviderLinkState.CLOSED,
        (ProviderLinkState.READY, ProviderLinkEvent.VIOLATION): ProviderLinkState.CLOSED,
        (ProviderLinkState.ANSWERING, ProviderLinkEvent.VIOLATION): ProviderLinkState.CLOSED,
        (ProviderLinkState.DISCARDING, ProviderLinkEvent.VIOLATION): ProviderLinkState.CLOSED,
        (ProviderLinkState.CONNECTED, ProviderLinkEvent.CLOSE): ProviderLinkState.CLOSED,
        (ProviderLinkState.LOGGING_IN, ProviderLinkEvent.CLOSE): ProviderLinkState.CLOSED,
        (ProviderLinkState.READY, ProviderLinkEvent.CLOSE): ProviderLinkState.CLOSED,
        (ProviderLinkState.ANSWERING, ProviderLinkEvent.CLOSE): ProviderLinkState.CLOSED,
        (ProviderLinkState.DISCARDING, ProviderLinkEvent.CLOSE): ProviderLinkState.CLOSED,
    }
)
"""The link between a provider and a hub."""
PROVIDER_LINK_INITIAL: Final = ProviderLinkState.CONNECTED


class ProviderStayState(Enum):
    """A provider's stay at a hub, over all its links: its states."""

    CONNECTING = "connecting"
    """A connection is made and the login sent; the hub has not accepted it yet."""
    READY = "ready"
    """Logged in, with no request outstanding."""
    ANSWERING = "answering"
    """Logged in, with a request outstanding."""
    WAITING = "waiting"
    """The link is lost or could not be made; after a pause the provider comes back."""
    LEAVING = "leaving"
    """The provider takes nothing new and finishes what it has begun."""
    LEFT = "left"
    """The provider is gone and does not come back by itself."""


class ProviderStayEvent(Enum):
    """A provider's stay at a hub, over all its links: its events."""

    ACCEPTED = "accepted"
    """The hub accepted the login."""
    REQUEST = "request"
    """The hub sent a request."""
    ANSWERED = "answered"
    """The answer was made."""
    LOST = "lost"
    """The link is over, or none could be made, and trying again may help."""
    RETRY = "retry"
    """The pause is over."""
    LEAVE = "leave"
    """The provider's program wants it to leave as soon as the running answer is out."""
    GONE = "gone"
    """The provider's program wants it gone, the last answer is out, or trying again would not help."""


PROVIDER_STAY: Final[Mapping[tuple[ProviderStayState, ProviderStayEvent], ProviderStayState]] = MappingProxyType(
    {
        (ProviderStayState.CONNECTING, ProviderStayEvent.ACCEPTED): ProviderStayState.READY,
        (ProviderStayState.READY, ProviderStayEvent.REQUEST): ProviderStayState.ANSWERING,
        (ProviderStayState.ANSWERING, ProviderStayEvent.ANSWERED): ProviderStayState.READY,
        (ProviderStayState.CONNECTING, ProviderStayEvent.LOST): ProviderStayState.WAITING,
        (ProviderStayState.READY, ProviderStayEvent.LOST): ProviderStayState.WAITING,
        (ProviderStayState.ANSWERING, ProviderStayEvent.LOST): ProviderStayState.WAITING,
        (ProviderStayState.WAITING, ProviderStayEvent.RETRY): ProviderStayState.CONNECTING,
        (ProviderStayState.CONNECTING, ProviderStayEvent.LEAVE): ProviderStayState.LEAVING,
        (ProviderStayState.READY, ProviderStayEvent.LEAVE): ProviderStayState.LEAVING,
        (ProviderStayState.ANSWERING, ProviderStayEvent.LEAVE): ProviderStayState.LEAVING,
        (ProviderStayState.WAITING, ProviderStayEvent.LEAVE): ProviderStayState.LEAVING,
        (ProviderStayState.LEAVING, ProviderStayEvent.REQUEST): ProviderStayState.LEAVING,
        (ProviderStayState.LEAVING, ProviderStayEvent.ANSWERED): ProviderStayState.LEAVING,
        (ProviderStayState.CONNECTING, ProviderStayEvent.GONE): ProviderStayState.LEFT,
        (ProviderStayState.READY, ProviderStayEvent.GONE): ProviderStayState.LEFT,
        (ProviderStayState.ANSWERING, ProviderStayEvent.GONE): ProviderStayState.LEFT,
        (ProviderStayState.WAITING, ProviderStayEvent.GONE): ProviderStayState.LEFT,
        (ProviderStayState.LEAVING, ProviderStayEvent.GONE): ProviderStayState.LEFT,
    }
)
"""A provider's stay at a hub, over all its links."""
PROVIDER_STAY_INITIAL: Final = ProviderStayState.CONNECTING
