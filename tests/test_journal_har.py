"""The journal as an HTTP archive: valid by the format's structure, complete, and without a secret."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from hub_bench import KEY, SERVICE, poll
from jsonschema import Draft202012Validator
from rule_bench import EPOCH, RuleBench

from mockserver import MockHub
from neuroengine import __version__

if TYPE_CHECKING:
    from pathlib import Path

# The structure of HAR 1.2 as http://www.softwareishard.com/blog/har-12-spec/ has it; optional members are left out
# where the mock hub does not write them.
PAIRS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
        "required": ["name", "value"],
    },
}
SIZE: Final = {"type": "integer", "minimum": -1}
TIME: Final = {"type": "number", "minimum": 0}
MESSAGE: Final = {
    "httpVersion": {"type": "string", "minLength": 1},
    "cookies": {"type": "array"},
    "headers": PAIRS,
    "headersSize": SIZE,
    "bodySize": SIZE,
}
REQUEST: Final = {
    "type": "object",
    "properties": {
        **MESSAGE,
        "method": {"type": "string"},
        "url": {"type": "string", "format": "uri"},
        "queryString": PAIRS,
        "postData": {
            "type": "object",
            "properties": {"mimeType": {"type": "string"}, "text": {"type": "string"}},
            "required": ["mimeType", "text"],
        },
    },
    "required": [*MESSAGE, "method", "url", "queryString"],
}
RESPONSE: Final = {
    "type": "object",
    "properties": {
        **MESSAGE,
        "status": {"type": "integer"},
        "statusText": {"type": "string"},
        "redirectURL": {"type": "string"},
        "content": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "mimeType": {"type": "string"},
                "text": {"type": "string"},
            },
            "required": ["size", "mimeType"],
        },
    },
    "required": [*MESSAGE, "status", "statusText", "content", "redirectURL"],
}
ENTRY: Final = {
    "type": "object",
    "properties": {
        "startedDateTime": {"type": "string", "format": "date-time"},
        "time": TIME,
        "request": REQUEST,
        "response": RESPONSE,
        "cache": {"type": "object"},
        "timings": {
            "type": "object",
            "properties": {"send": TIME, "wait": TIME, "receive": TIME},
            "required": ["send", "wait", "receive"],
        },
        "comment": {"type": "string"},
    },
    "patternProperties": {"^_": {}},
    "additionalProperties": False,
    "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
}
HAR: Final = {
    "type": "object",
    "properties": {
        "log": {
            "type": "object",
            "properties": {
                "version": {"const": "1.2"},
                "creator": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
                    "required": ["name", "version"],
                },
                "entries": {"type": "array", "items": ENTRY},
            },
            "required": ["version", "creator", "entries"],
        }
    },
    "required": ["log"],
}


def errors(archive: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(HAR, format_checker=Draft202012Validator.FORMAT_CHECKER)
    written = json.loads(json.dumps(archive))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(written)]


def busy() -> RuleBench:
    """A bench that has seen one of everything."""
    bench = RuleBench(strict=True)
    bench.on("hi", name="late").delay(2).reply("Hï").fault("latency")
    bench.on(stream=True, name="stream").reply("a b")
    bench.on("theirs")
    bench.ask("hi")
    bench.advance(2)
    poll(bench)
    poll(bench)
    bench.ask("nobody")
    bench.post(b"{")
    bench.post({"command": "getmodels"}, "/a b")
    provider = bench.provider()
    bench.ask("theirs")
    provider.answer({"reply": "theirs"})
    bench.leave(bench.ask("theirs"))
    bench.ask("theirs")
    return bench


def test_an_archive_has_the_structure_of_the_format() -> None:
    archive = busy().journal.to_har()
    assert errors(archive) == []
    assert len(archive["log"]["entries"]) == 9
    assert all(entry["time"] == sum(entry["timings"].values()) for entry in archive["log"]["entries"])
    assert archive["log"]["creator"]["version"] == __version__
    assert errors(RuleBench().journal.to_har()) == []


@pytest.mark.parametrize("missing", ["startedDateTime", "request", "response", "cache", "timings"])
def test_the_structure_misses_what_is_left_out(missing: str) -> None:
    archive = busy().journal.to_har()
    del archive["log"]["entries"][0][missing]
    assert [error for error in errors(archive) if f"'{missing}' is a required property" in error]


def test_an_entry_of_an_archive_holds_the_exchange() -> None:
    entry = busy().journal.to_har("https://hub.example/")["log"]["entries"][0]
    assert entry["request"]["url"] == f"https://hub.example/{SERVICE}"
    assert json.loads(entry["request"]["postData"]["text"]) == {"message": "hi"}
    assert entry["response"]["status"] == 200
    assert json.loads(entry["response"]["content"]["text"]) == {"reply": "Hï", "errorcode": 0}
    assert entry["time"] == entry["timings"]["wait"] == 2000
    assert entry["_mock"] == {
        "number": 1,
        "service": SERVICE,
        "poll": 0,
        "rules": ["late"],
        "near_miss": "",
        "faults": ["latency"],
        "client_left": False,
        "provider": None,
    }


def test_times_are_times_of_day_from_the_first_exchange_on() -> None:
    entries = busy().journal.to_har()["log"]["entries"]
    started = [datetime.fromisoformat(entry["startedDateTime"]) for entry in entries]
    assert [time.timestamp() - EPOCH for time in started[:2]] == [0, 2]
    assert started == sorted(started)


def test_what_an_archive_says_of_exchanges_without_an_answer_and_of_providers() -> None:
    *_, odd_path, theirs, left, waiting = busy().journal.to_har()["log"]["entries"]
    assert odd_path["request"]["url"].endswith("/a%20b")
    assert theirs["_mock"]["provider"] == {
        "link": 1,
        "request": {"message": "theirs", "raw": "False"},
        "payload": '{"reply": "theirs"}',
    }
    assert (left["response"]["status"], left["_mock"]["client_left"]) == (0, True)
    assert (waiting["response"]["status"], waiting["_mock"]["client_left"]) == (0, False)


def test_the_status_is_the_one_that_was_sent(tmp_path: Path) -> None:
    with MockHub({SERVICE: KEY}, tls=False, matching_statuses=True) as hub:
        hub.on().fail("queue_full").answer("mine", errorcode=4711)
        sent = [httpx.post(f"{hub.url}/{SERVICE}", json={"message": "hi"}, timeout=60.0).status_code for _ in range(2)]
        hub.journal.write_har(tmp_path / "hub.har", hub.url)
    archive = json.loads((tmp_path / "hub.har").read_text(encoding="ascii"))
    assert errors(archive) == []
    written = [entry["response"] for entry in archive["log"]["entries"]]
    assert [response["status"] for response in written] == sent == [429, 200]
    assert written[0]["statusText"] == "Too Many Requests"
    assert archive["log"]["entries"][0]["request"]["url"] == f"{hub.url}/{SERVICE}"
