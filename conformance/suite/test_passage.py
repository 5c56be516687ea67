"""What reaches the provider of what a client asks, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.judge import SHORT
from conformance.requirement import judges
from conformance.strategies import unicode_texts

if TYPE_CHECKING:
    from conformance.judge import Judge


@judges("NE-FWD-001")
def test_the_message_arrives_character_for_character(judge: Judge) -> None:
    with judge.provider() as link:

        def check(message: str) -> None:
            passage = judge.through(link, SHORT | {"message": message}, {"reply": "Read."})
            came = passage.frame.content.get("message")
            judge.require(came == message, f"the message {message!r}", f"{came!r}", passage.exchange)

        judge.explore(unicode_texts, check, examples=40)
