"""What can be seen of a hub's provider link: logins, frames and pings, and what a provider is handed."""

from __future__ import annotations

import json
import ssl

from hub_watch import KEY, SERVICE, Observations, World

from neuroengine._generated.models import GenerateRequest

SEEN = Observations()
FRAME_BYTES = 4900
BARE = len('{"message": "", "raw": "False"}')
LOGIN = json.dumps({"user": SERVICE, "key": KEY}).encode()
ODD_MESSAGE = '  Grüße, 世界 \U0001f600\n\t"\\\u0000\u2028 '

# -- logins


def refusal_of_tls(world: World) -> OSError | None:
    """Why no TLS connection comes about."""
    try:
        world.stranger()
    except OSError as error:
        return error
    return None


@SEEN.of("NE-LOGIN-001")
def tls_on_the_link(world: World) -> bool:
    refusal = refusal_of_tls(world)
    return refusal is None or isinstance(refusal, ssl.SSLCertVerificationError)


@SEEN.of("NE-LOGIN-002")
def certificate_for_the_host(world: World) -> bool:
    return not isinstance(refusal_of_tls(world), ssl.SSLCertVerificationError)


@SEEN.of("NE-LOGIN-003")
def right_login_accepted(world: World) -> bool:
    return world.is_let_in()


@SEEN.of("NE-LOGIN-004")
def acceptance_in_one_write(world: World) -> bool:
    world.provider().close()
    world.until_gone()
    world.ask("one")
    world.until_accepted(1)
    provider = world.provider()
    return provider.said.strip() == b"OK" and provider.request()["message"] == "one"


@SEEN.of("NE-LOGIN-005")
def wrong_login_refused(world: World) -> bool:
    return not world.is_let_in(key="wrong") and not world.is_let_in(key="")


@SEEN.of("NE-LOGIN-006")
def login_in_any_cut(world: World) -> bool:
    provider = world.stranger()
    provider.send(*(LOGIN[place : place + 1] for place in range(len(LOGIN))))
    return provider.record().strip() == b"OK"


@SEEN.of("NE-LOGIN-007", login_s=0.2)
def login_time_bounded(world: World) -> bool:
    silent, half = world.stranger(), world.stranger()
    half.send(LOGIN[:10])
    return silent.record() == b"" and half.record() == b""


@SEEN.of("NE-LOGIN-008", login_bytes=200)
def login_size_bounded(world: World) -> bool:
    endless = world.stranger()
    endless.send(b'{"user": "' + b"x" * 300)
    return not endless.record().startswith(b"OK")


@SEEN.of("NE-LOGIN-009")
def refusal_is_quick(world: World) -> bool:
    return not world.is_let_in(key="wrong")


@SEEN.of("NE-LOGIN-010")
def unknown_login_members(world: World) -> bool:
    return world.is_let_in(version=2, models=["a"])


@SEEN.of("NE-LOGIN-011")
def silent_connections_harmless(world: World) -> bool:
    world.stranger()
    world.stranger().send(LOGIN[:10])
    return world.is_let_in()


@SEEN.of("NE-LOGIN-012")
def refused_provider_returns(world: World) -> bool:
    refused = [not world.is_let_in(key="wrong") for _ in range(5)]
    return all(refused) and world.is_let_in()


@SEEN.of("NE-LOGIN-013")
def early_reconnect(world: World) -> bool:
    world.provider().close()
    world.until_gone()
    provider = world.provider()
    asked = world.ask("back")
    if provider.said.strip() != b"OK" or provider.request().get("message") != "back":
        return False
    provider.answer("yes")
    return bool(world.result(asked)["reply"] == "yes")


@SEEN.of("NE-LOGIN-014")
def close_without_notice(world: World) -> bool:
    world.provider().close()
    world.until_gone()
    return world.is_let_in()


# -- frames


def each_record_is_a_frame(world: World) -> bool:
    provider = world.provider()
    world.ask("one")
    while True:
        try:
            frame = json.loads(provider.record())
        except ValueError:
            return False
        if not isinstance(frame, dict) or "message" in frame:
            return isinstance(frame, dict)


SEEN.of("NE-FRAME-001")(each_record_is_a_frame)
SEEN.of("NE-FRAME-003")(each_record_is_a_frame)


@SEEN.of("NE-FRAME-002", ping_s=0.05)
def pings_have_a_member(world: World) -> bool:
    return "ping" in json.loads(world.provider().record())


@SEEN.of("NE-FRAME-004")
def one_request_outstanding(world: World) -> bool:
    provider = world.provider()
    for number in range(3):
        world.ask(str(number))
    provider.request()
    world.until_accepted(3)
    world.settle()
    return provider.is_quiet()


@SEEN.of("NE-FRAME-005")
def full_tls_records(world: World) -> bool:
    provider = world.provider()
    world.ask("x" * 40_000)
    records = [provider.record()]
    while sum(map(len, records)) < 40_000 + BARE:
        records.append(provider.record())
    return {len(record) for record in records[:-1]} == {16_384}


@SEEN.of("NE-FRAME-006", ping_s=0.6)
def pings_in_time(world: World) -> bool:
    provider = world.provider()

    def serve_until_ping(_: object) -> bool:
        world.ask("go on")
        frame = provider.next_frame()
        if frame is None or "ping" in frame:
            return frame is not None
        provider.answer("yes")
        return False

    world.until(serve_until_ping)
    return True


@SEEN.of("NE-FRAME-007", ping_s=0.02)
def unanswered_pings(world: World) -> bool:
    provider = world.provider()
    for _ in range(5):
        if provider.next_frame() is None:
            return False
    asked = world.ask("still there?")
    provider.request()
    provider.answer("yes")
    return bool(world.result(asked)["reply"] == "yes")


@SEEN.of("NE-FRAME-008", ping_s=0.1, login_s=0.3)
def due_ping_first(world: World) -> bool:
    provider = world.provider()
    world.ask("one")
    provider.request()
    world.ask("two")
    world.until_login_is_over(world.stranger())
    provider.answer("1")
    return "ping" in (provider.next_frame() or {})


@SEEN.of("NE-FRAME-009", provider_frame_bytes=FRAME_BYTES)
def frame_size_bounded(world: World) -> bool:
    provider = world.provider()
    for size in (1000, FRAME_BYTES - BARE - 50, FRAME_BYTES - BARE, 2 * FRAME_BYTES):
        asked = world.ask("x" * size)
        if size <= FRAME_BYTES or not provider.is_quiet():
            length = len(provider.record())
            provider.answer("yes")
            if length > FRAME_BYTES or world.result(asked)["errorcode"]:
                return False
        elif not world.result(asked)["errorcode"]:
            return False
    return True


@SEEN.of("NE-FRAME-010")
def no_page_sized_frames(world: World) -> bool:
    provider = world.provider()
    for size in (4095, 4096, 4097, 8192, 12_288):
        asked = world.ask("x" * (size - BARE))
        length = len(provider.record())
        provider.answer("yes")
        world.result(asked)
        if length % 4096 == 0:
            return False
    return True


@SEEN.of("NE-FRAME-011", provider_frame_bytes=FRAME_BYTES)
def oversized_frame_refused(world: World) -> bool:
    world.provider()
    return bool(world.asked("é" * FRAME_BYTES)["errorcode"] == 11)


# -- requests


@SEEN.of("NE-FWD-001")
def message_forwarded(world: World) -> bool:
    provider = world.provider()
    world.ask(ODD_MESSAGE)
    return bool(provider.request()["message"] == ODD_MESSAGE)


@SEEN.of("NE-FWD-002")
def fields_forwarded(world: World) -> bool:
    fields = {"temperature": 0.25, "top_p": 0.5, "top_k": 100, "min_p": 0.1, "repetition_penalty": 1.5, "seed": -7}
    provider = world.provider()
    world.ask("hi", **fields, max_new_len=100, raw="TRUE")
    sent = provider.request()
    values = {name: sent.get(name) for name in fields}
    return values == fields and str(sent["raw"]).lower() == "true" and sent["max_new_len"] <= 100


@SEEN.of("NE-FWD-003")
def omitted_fields_forwarded(world: World) -> bool:
    provider = world.provider()
    world.ask("hi")
    sent = provider.request()
    defaults = {name: field.default for name, field in GenerateRequest.model_fields.items() if name in sent}
    return all(sent[name] == default for name, default in defaults.items() if name != "message")


@SEEN.of("NE-FWD-004")
def raw_in_canonical_form(world: World) -> bool:
    provider = world.provider()
    world.ask("hi", raw="tRuE")
    return bool(provider.request()["raw"] == "True")


@SEEN.of("NE-FWD-005")
def unknown_members_forwarded(world: World) -> bool:
    more = {"x": None, "y": [1, {"z": 0.5}], "stop": "é", "n": -1}
    provider = world.provider()
    world.ask("hi", **more)
    sent = provider.request()
    return {name: sent.get(name, ...) for name in more} == more


@SEEN.of("NE-FWD-006")
def ping_member_dropped(world: World) -> bool:
    provider = world.provider()
    world.ask("hi", ping=1)
    return provider.next_frame() == {"message": "hi", "raw": "False"}


@SEEN.of("NE-FWD-007")
def index_not_forwarded(world: World) -> bool:
    provider = world.provider()
    world.ask("hi", key="k", seq=0)
    return "seq" not in provider.request()


@SEEN.of("NE-FWD-008")
def stream_fields_not_forwarded(world: World) -> bool:
    provider = world.provider()
    world.ask("hi", key="k", gettokens=3)
    sent = provider.request()
    return not sent.get("key") and "gettokens" not in sent
