"""Measures every exchange with the hub, and tells of retries."""

from neuroengine import Client, ResponseEvent, Retry, RetryEvent, Timeouts


def measured(event: ResponseEvent) -> None:
    """Prints how long an answer took."""
    print(f"status {event.status}, {event.body_bytes} bytes, {event.seconds * 1000:.0f} ms")


def retried(event: RetryEvent) -> None:
    """Prints why there is another try."""
    print(f"{event.error}; trying again in {event.wait_s:.1f} s")


with Client(
    "Neuroengine-Large",
    timeouts=Timeouts(connect_s=3, answer_s=30, total_s=120),
    retry=Retry(tries=5, longest_wait_s=20),
    on_response=measured,
    on_retry=retried,
) as client:
    client.generate("Hello!", max_new_len=8)
