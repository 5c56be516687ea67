"""Measures every exchange with the hub, and tells of retries."""

from neuroengine import Client, ResponseEvent, RetryEvent


def measured(event: ResponseEvent) -> None:
    """Prints how long an answer took."""
    took_ms = event.seconds * 1000
    print(f"status {event.status}, {event.body_bytes} bytes, {took_ms:.0f} ms")


def retried(event: RetryEvent) -> None:
    """Prints why there is another try."""
    print(f"{event.error}; trying again in {event.wait_s:.1f} s")


with Client("Neuroengine-Large", on_response=measured, on_retry=retried) as client:
    client.generate("Hello!", max_new_len=8)
