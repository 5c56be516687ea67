"""What a client tells its program of while it works: each request, what came of it, and each wait before the next try.

No event holds a prompt, a reply or a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from neuroengine.errors import ConnectionFailed, NeuroengineError


class RequestEvent(NamedTuple):
    """A request goes out.

    Attributes:
        url: where it goes.
        body_bytes: the length of its body, in bytes.
    """

    url: str
    body_bytes: int


class ResponseEvent(NamedTuple):
    """A request got its answer, or will get none.

    Attributes:
        url: where the request went.
        seconds: how long it took, from the first byte sent to the last one received.
        status: the answer's HTTP status; None where none came.
        body_bytes: the length of the answer's body, in bytes.
        error: why no whole answer came; None where one did. An answer of the hub may still say that it is an error.
    """

    url: str
    seconds: float
    status: int | None = None
    body_bytes: int = 0
    error: ConnectionFailed | None = None


class RetryEvent(NamedTuple):
    """A try failed, and another one follows.

    Attributes:
        wait_s: the wait before it, in seconds.
        error: what went wrong.
    """

    wait_s: float
    error: NeuroengineError


class Hooks(NamedTuple):
    """What a program wants to be told of; each is called in the thread or on the loop of the call.

    What a hook raises ends the call and reaches its caller.
    """

    on_request: Callable[[RequestEvent], None] | None = None
    on_response: Callable[[ResponseEvent], None] | None = None
    on_retry: Callable[[RetryEvent], None] | None = None


NO_HOOKS: Final = Hooks()
"""Nothing is told."""
