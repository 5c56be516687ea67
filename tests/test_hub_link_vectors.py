"""The provider's half of spec/vectors/provider_link.json, put to the mock hub's state however the bytes are cut."""

from __future__ import annotations

from typing import Any

import pytest
from hub_bench import KEY, SERVICE, Bench, Provider, code, content, waits

from neuroengine import spec
from neuroengine._generated.registry import ErrorCode

FILE = spec.read_json("vectors/provider_link.json")
FROM_PROVIDER = [vector for vector in FILE["vectors"] if vector["direction"] == "provider-to-hub"]
SPLIT_EVERYWHERE_BYTES = 300
BYTE_BY_BYTE_BYTES = 10_000
ANSWER_S = 7.0


def joined(parts: list[dict[str, Any]]) -> bytes:
    return b"".join(
        (part["text"].encode() if "text" in part else bytes.fromhex(part["hex"])) * part.get("repeat", 1)
        for part in parts
    )


def writes(vector: dict[str, Any]) -> list[bytes]:
    return [joined(chunk.get("parts", [chunk])) for chunk in vector["chunks"]]


def cuts(vector: dict[str, Any]) -> list[list[bytes]]:
    """The vector's bytes as it writes them, whole, byte by byte, and split at every place."""
    whole = b"".join(writes(vector))
    ways = [writes(vector), [whole] if whole else []]
    if len(whole) <= BYTE_BY_BYTE_BYTES:
        ways.append([whole[place : place + 1] for place in range(len(whole))])
    if len(whole) <= SPLIT_EVERYWHERE_BYTES:
        ways += [[whole[:place], whole[place:]] for place in range(1, len(whole))]
    return ways


def send(bench: Bench, provider: Provider, vector: dict[str, Any], chunks: list[bytes]) -> None:
    provider.send(*chunks)
    if vector.get("then") == "close":
        provider.drop()
    if vector["expect"].get("error") == "provider_timeout":
        bench.advance(ANSWER_S)


def check_link(provider: Provider, vector: dict[str, Any]) -> None:
    if vector["expect"]["link"] != "either":
        assert provider.is_closed == (vector["expect"]["link"] == "closes")


def check_login(vector: dict[str, Any], chunks: list[bytes]) -> None:
    bench = Bench()
    provider = bench.stranger()
    send(bench, provider, vector, chunks)
    accepted = vector["expect"]["login"] == "accepted"
    assert provider.is_logged_in == accepted
    assert (provider.link.service is not None) == accepted
    assert accepted or not any(write.strip() == b"OK" for write in provider.writes)
    check_link(provider, vector)


def check_answering(vector: dict[str, Any], chunks: list[bytes]) -> None:
    bench = Bench(provider_answer_s=ANSWER_S)
    provider = bench.provider()
    asked = bench.ask("the question")
    send(bench, provider, vector, chunks)
    expected = vector["expect"]
    shown = content(asked)
    if "error" in expected:
        assert shown["error"] == expected["error"]
        assert shown["errorcode"] == ErrorCode[expected["error"].upper()]
        assert shown["reply"]
    else:
        if "reply" in expected:
            assert shown.pop("reply") == joined(expected["reply"]).decode()
        assert shown == expected["answer"]
    check_link(provider, vector)


def check_discarding(vector: dict[str, Any], chunks: list[bytes]) -> None:
    bench = Bench()
    provider = bench.provider()
    gone = bench.ask("given up")
    bench.leave(gone)
    follower = bench.ask("the next question")
    send(bench, provider, vector, chunks)
    assert waits(gone)
    check_link(provider, vector)
    if provider.is_closed:
        provider = bench.provider()
    provider.answer({"reply": "its own"})
    assert content(follower) == {"reply": "its own", "errorcode": 0}


def check_ready(vector: dict[str, Any], chunks: list[bytes]) -> None:
    bench = Bench()
    provider = bench.provider()
    before = bench.ask("before")
    provider.answer({"reply": "its own"})
    send(bench, provider, vector, chunks)
    check_link(provider, vector)
    assert code(before) == 0
    after = bench.ask("after")
    if provider.is_closed:
        provider = bench.provider()
    provider.answer({"reply": "another"})
    assert content(after) == {"reply": "another", "errorcode": 0}


CHECKS = {"connected": check_login, "answering": check_answering, "discarding": check_discarding, "ready": check_ready}


def test_the_vectors_are_written_for_the_bench() -> None:
    assert FILE["login"] == {"user": SERVICE, "key": KEY}
    assert len(FROM_PROVIDER) >= 50
    assert {vector["state"] for vector in FROM_PROVIDER} == set(CHECKS)


@pytest.mark.parametrize("vector", FROM_PROVIDER, ids=[vector["name"] for vector in FROM_PROVIDER])
def test_a_sequence_from_a_provider_means_the_same_however_it_is_cut(vector: dict[str, Any]) -> None:
    for chunks in cuts(vector):
        CHECKS[vector["state"]](vector, chunks)
