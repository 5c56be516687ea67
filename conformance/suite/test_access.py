"""Extended: access keys, as far as a service without them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.judge import GETMODELS, SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.judge import Judge

NO_KEY: Final = "conformance-no-key-of-anybody"


@judges("NE-ACCESS-003")
def test_a_service_without_access_keys_ignores_one(judge: Judge) -> None:
    judge.has_twin(SHORT)
    judge.accepts(SHORT, access_key=NO_KEY)


@judges("NE-ACCESS-004")
def test_the_model_list_comes_with_and_without_a_key(judge: Judge) -> None:
    judge.models()
    for access_key in ("", NO_KEY):
        exchange = judge.post(GETMODELS, access_key=access_key)
        judge.require(isinstance(exchange.content, list), "an array", exchange.describe(), exchange)
