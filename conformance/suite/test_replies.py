"""What a client gets of a reply that the suite's own provider gave: whole, with its code, in ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from conformance.evidence import not_judged
from conformance.judge import SHORT
from conformance.provider.house import WORDS
from conformance.requirement import judges
from neuroengine import spec

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.judge import Judge

PUBLISHED: Final = "This is the LLM"
MANY_LANGUAGES: Final = "Grüße aus Łódź, 東京 und Αθήνα: naïve café, e\u0301, 👩‍👩‍👧 🇩🇪 \U0001d4b3"
OWN_CODES: Final = (1, 4, 13, 42, 99, 100, 4711, -1)
"""Codes that a provider may choose: of the registry, of its range, and outside of it."""


def replied(judge: Judge, payload: dict[str, Any], **fields: Any) -> Exchange:
    """What a client gets when the provider answers its request with this payload."""
    with judge.provider() as link:
        return judge.through(link, SHORT | fields, payload).exchange


@judges("NE-ANS-004")
def test_a_reply_that_the_provider_gave_has_code_0(judge: Judge) -> None:
    for payload in ({"reply": PUBLISHED, "errorcode": 0}, {"reply": "", "errorcode": 0}):
        exchange = replied(judge, payload)
        if exchange.reply != payload["reply"]:
            not_judged(f"the provider's reply did not come to the client ({exchange.describe()})")
        judge.require(exchange.code == 0, "errorcode 0", exchange.describe(), exchange)


@judges("NE-ANS-005")
@pytest.mark.parametrize("count", [200, 2_000])
def test_a_long_reply_comes_whole_in_one_answer(judge: Judge, count: int) -> None:
    words = [WORDS[number % len(WORDS)] + str(number) for number in range(count)]
    exchange = replied(judge, {"reply": " ".join(words), "errorcode": 0}, max_new_len=count)
    if not exchange.is_success:
        not_judged(f"the reply did not come to the client ({exchange.describe()})")
    came = exchange.reply.split()
    judge.require(came == words, f"all {count} words", f"{len(came)} words: {exchange.describe()}", exchange)


@judges("NE-ANS-007")
def test_a_missing_errorcode_is_added(judge: Judge) -> None:
    twin = replied(judge, {"reply": PUBLISHED, "errorcode": 0})
    if not (twin.is_success and twin.reply == PUBLISHED):
        not_judged(f"the same reply with errorcode 0 did not come to the client ({twin.describe()})")
    exchange = replied(judge, {"reply": PUBLISHED})
    holds = exchange.is_success and exchange.reply == PUBLISHED
    judge.require(holds, f'the reply "{PUBLISHED}" with errorcode 0', exchange.describe(), exchange)


@judges("NE-ANS-012")
def test_an_answer_is_written_in_ascii(judge: Judge) -> None:
    payload = {"reply": MANY_LANGUAGES, "errorcode": 0}
    key = judge.new_key()
    with judge.answering(lambda _: payload):
        whole = judge.post(SHORT, path=judge.provided)
        piece = judge.post(SHORT | {"key": key, "gettokens": 100}, path=judge.provided, keys=(key,))
    for exchange in (whole, piece):
        if exchange.trouble or (exchange.is_answer and exchange.reply.isascii()):
            not_judged(f"the provider's reply did not come to the client ({exchange.describe()})")
        beyond = [byte for byte in exchange.body if byte > 0x7F]
        judge.require(not beyond, "no byte above 7F", f"{len(beyond)} of them: {exchange.describe()}", exchange)


@judges("NE-ANS-017")
def test_a_code_of_the_providers_own_gets_no_name(judge: Judge) -> None:
    names = {row["code"] for row in spec.errors()}
    seen = False
    for code in OWN_CODES:
        exchange = replied(judge, {"reply": "I would rather not.", "errorcode": code})
        if exchange.code != code or exchange.reply != "I would rather not.":
            continue  # NE-PANS-006: it is no answer with the provider's own code
        seen = True
        where = "in the registry" if code in names else "outside the registry"
        expected = f"no member error beside the provider's {code}, which is {where}"
        judge.require("error" not in exchange.content, expected, f"{exchange.content}", exchange)
    if not seen:
        not_judged("the provider's own codes do not come to the client")
