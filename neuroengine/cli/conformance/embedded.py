"""The mock hub that is judged where no target is given: all that a judge can need is there, and time passes faster."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from neuroengine import spec
from neuroengine.cli.console import fail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY: Final = "DEMOKEY"
LIMITS: Final = {
    "stream_idle_s": 2.0,
    "end_kept_s": 2.0,
    "queue_s": 0.6,
    "provider_answer_s": 1.5,
    "long_poll_s": 0.5,
    "login_s": 0.7,
    "ping_s": 0.25,
    "keep_warm_s": 0.2,
    "queue_requests": 8.0,
    "open_streams": 40.0,
}
"""The embedded mock hub forgets sooner than a real one, so that nothing has to be skipped for want of time."""
BRISK: Final = LIMITS | {
    "stream_idle_s": 1.0,
    "end_kept_s": 1.0,
    "provider_answer_s": 0.9,
    "queue_s": 0.5,
    "long_poll_s": 0.3,
    "login_s": 0.5,
}
"""For a machine that does nothing else: a judgement is done sooner, and leaves slow moments less room."""


@contextmanager
def embedded_hub(
    wrong: str | None = None, limits: Mapping[str, float] = LIMITS, **switches: Any
) -> Iterator[dict[str, Any]]:
    """A running hub, as the settings that tell a judge of it.

    `wrong` names one that is wrong on purpose; the switches are settings of `MockHub`.
    """
    try:
        from mockserver import MockHub, ServiceSettings
    except ImportError as error:
        fail(f"the embedded mock hub needs the package {error.name!r}; run: pip install 'neuroengine[mock]'", 2)
    services = (
        ServiceSettings("Neuroengine-Large", KEY),
        ServiceSettings("Neuroengine-Small", KEY),
        ServiceSettings("Neuroengine-Home", KEY),
        ServiceSettings("Neuroengine-Members", KEY, access_keys=(KEY,)),
        ServiceSettings("Neuroengine-Metered", KEY, quota=3, quota_window_s=3.0),
    )
    asked, second, provided, members, metered = (service.name for service in services)
    own = {row["name"]: float(row["value"]) for row in spec.limits() if row["scope"] == "hub"} | dict(limits)
    with MockHub(services=services, limits=limits, wrong=wrong, **{"tls": False} | switches) as hub:
        yield {
            "url": hub.url,
            "service": asked,
            "second_service": second,
            "provider": hub.provider,
            "provider_service": provided,
            "service_key": KEY,
            "ca_file": hub.ca_file,
            "access_service": members,
            "access_key": KEY,
            "quota_service": metered,
            "limits": own,
        }


@contextmanager
def hurried_hub() -> Iterator[dict[str, Any]]:
    """The same, for a judge who waits for nothing: the hub's limits of time are not told."""
    with embedded_hub() as told:
        yield told | {"limits": {name: value for name, value in told["limits"].items() if name not in LIMITS}}
