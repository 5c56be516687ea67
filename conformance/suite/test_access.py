"""Extended: access keys, at a service that has them and at one that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.evidence import not_judged
from conformance.judge import GETMODELS, PASSING_CODES, SHORT
from conformance.requirement import judges

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.judge import Judge

NO_KEY: Final = "conformance-no-key-of-anybody"
UNAUTHORIZED: Final = 10


def asked(judge: Judge, access_key: str = "", path: str = "", **more: str) -> Exchange:
    """A request to the service with access keys; `more` are fields of it."""
    settings = judge.settings
    if not (settings.access_service and settings.access_key):
        not_judged("needs a service with access keys: --access-service NAME --access-key-env VARIABLE")
    path, keys = path or judge.subject.path_of(settings.access_service), tuple(more.values())
    return judge.post(SHORT | more, path=path, keys=keys, access_key=access_key)


def let_in(judge: Judge, **asking: str) -> Exchange:
    """A request with the right key, as far as nothing else is in its way."""
    exchange = asked(judge, judge.settings.access_key, **asking)
    if exchange.trouble or exchange.code in PASSING_CODES:
        not_judged(f"the service with access keys does not answer now ({exchange.describe()})")
    return exchange


def must_be_refused(judge: Judge, access_key: str, **asking: str) -> None:
    """Requires that a request without the right key is refused with 10, where the right one is let in."""
    twin = let_in(judge, **asking)
    if not twin.is_success:
        not_judged(f"the right key opens nothing ({twin.describe()})")
    exchange = asked(judge, access_key, **asking)
    judge.require(exchange.code == UNAUTHORIZED, f"errorcode {UNAUTHORIZED}", exchange.describe(), exchange)


@judges("NE-ACCESS-001")
def test_the_right_key_opens_the_service(judge: Judge) -> None:
    exchange = let_in(judge)
    judge.require(exchange.is_success, "success: status 200, errorcode 0", exchange.describe(), exchange)


@judges("NE-ACCESS-002")
def test_an_access_key_in_the_field_key_opens_nothing(judge: Judge) -> None:
    twin = let_in(judge)
    if not twin.is_success:
        not_judged(f"the right key opens nothing ({twin.describe()})")
    for header in ("", NO_KEY):
        exchange = asked(judge, header, key=judge.settings.access_key)
        judge.require(exchange.is_error, "an error, any errorcode but 0", exchange.describe(), exchange)


@judges("NE-CODE-010")
def test_without_the_right_key_a_request_is_refused_with_10(judge: Judge) -> None:
    twin = let_in(judge)
    if not twin.is_success:
        not_judged(f"the right key opens nothing ({twin.describe()})")
    right = judge.settings.access_key
    for wrong in ("", NO_KEY, f"{right}x", right[:-1], right.swapcase()):
        if wrong == right:
            continue
        exchange = asked(judge, wrong)
        judge.require(exchange.code == UNAUTHORIZED, f"errorcode {UNAUTHORIZED}", exchange.describe(), exchange)


@judges("NE-CODE-010")
def test_each_form_of_the_path_asks_for_the_key(judge: Judge) -> None:
    bare = f"{judge.settings.prefix}/{judge.settings.access_service}"
    for path in (bare, f"{bare}/"):
        for wrong in ("", NO_KEY):
            must_be_refused(judge, wrong, path=path)


@judges("NE-CODE-010")
def test_a_stream_goes_on_for_the_right_key_alone(judge: Judge) -> None:
    for wrong in ("", NO_KEY):
        must_be_refused(judge, wrong, key=judge.new_key())


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
