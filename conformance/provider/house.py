"""Who answers for the provider's service while no check holds its link: texts that follow from the request alone.

The model behind it is as simple as can be told apart: words drawn by a hash of the message, and of the seed where the
sampling leaves anything to chance. The same request has the same reply, on every machine.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any, Final

from conformance.strategies import generate_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.provider.link import Link

WORDS: Final = (
    "the morning tide leaves small boats on wet sand and gulls walk between ropes while bread cools beside an open "
    "window where somebody reads aloud from letters that came late over green hills under slow clouds"
).split()
MOST_WORDS: Final = 128
PATIENCE_S: Final = 60.0


class House:
    """Answers every request on a link, in a thread of its own, until it is told to leave."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._leaves = False
        self._thread = threading.Thread(target=self._serve, name="conformance house", daemon=True)
        self._thread.start()

    def leave(self) -> Link:
        """Answers what it has in hand, and gives the link back."""
        self._leaves = True
        with self.link.interrupted():
            self._thread.join()
        return self.link

    def _serve(self) -> None:
        while not self.link.is_over and (self.link.has_unread or not self._leaves):
            frame = self.link.next_frame(PATIENCE_S)
            if frame is not None and not frame.is_ping:
                self.link.answer({"reply": reply_to(frame.content), "errorcode": 0})


def reply_to(request: Mapping[str, Any]) -> str:
    """The text that answers a request, as the hub handed it over."""
    default = generate_request()["properties"]["max_new_len"]["default"]
    limit = request.get("max_new_len", default)
    is_length = isinstance(limit, int | float) and limit >= 0
    size = int(min(limit if is_length else default, MOST_WORDS))
    is_greedy = 0 in (request.get("temperature"), request.get("top_p")) or request.get("top_k") == 1
    seed = "" if is_greedy else request.get("seed", 0)
    draws = hashlib.shake_128(f"{request.get('message')}|{seed}".encode("utf-8", "surrogatepass")).digest(2 * size)
    chosen = (WORDS[int.from_bytes(draws[at : at + 2]) % len(WORDS)] for at in range(0, 2 * size, 2))
    return " ".join(chosen)
