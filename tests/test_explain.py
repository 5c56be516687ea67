"""`neuroengine conformance explain`: a requirement for a person who writes a hub, and for a program."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine.cli import main
from neuroengine.cli.conformance.explain import BASIS, NEEDED
from neuroengine.cli.conformance.vectors import LONG_CHARS, best_example, examples, lines_of

ROWS = {row["id"]: row for row in spec.requirements()}
VECTORS = {example.vector["name"]: example.vector for example in examples()}
HEADINGS = ("How it is judged", "Example: ", "How to mend a hub that fails it", "See it broken")


def explained(*words: str, columns: int = 100) -> str:
    result = CliRunner().invoke(main, ["conformance", "explain", *words], env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.output


def part(output: str, heading: str) -> str:
    """What stands under a heading, on one line."""
    _, _, behind = output.partition(f"\n\n{heading}")
    return " ".join(behind.partition("\n\n")[0].split())


def test_a_rule_is_told_from_its_sentence_to_how_a_hub_is_mended() -> None:
    output = explained("ne-login-006")
    row = ROWS["NE-LOGIN-006"]
    assert output.startswith("NE-LOGIN-006  Login in any cut\n\nThe hub MUST read the login object")
    assert "deployed, since 2026-11-22: observed in deployed clients and providers" in output
    assert "--provider HOST:PORT and $NE_SERVICE_KEY" in output
    assert [heading for heading in HEADINGS if f"\n\n{heading}" in output] == list(HEADINGS)
    assert part(output, HEADINGS[0]).startswith(row["method"])
    assert f"check: {row['checks'][0]}" in output
    assert part(output, HEADINGS[2]).startswith(row["mend"])
    assert "--profile core --select NE-LOGIN-006" in output


def test_an_exchange_over_http_is_shown_as_a_line_for_a_shell_and_its_answer() -> None:
    shown = part(explained("NE-HTTP-008"), "Example: ")
    assert """curl "$NE_URL/NAME/?a=b" \\ --json '{"message": "Hello LLM", "max_new_len": 4}'""" in shown
    assert '-> {"reply": "...", "errorcode": 0}' in shown
    refusal = part(explained("NE-REQ-037"), "Example: ")
    assert '-> {"reply": "...", "errorcode": 4, "field": "temperature"}' in refusal
    assert "It counts only beside a twin that holds: vector temperature-values." in refusal
    assert '-> {"reply": "...", "errorcode": (not 0)}' in explained("NE-REQ-004")
    assert '"numreq": 19754, "connected": true' in part(explained("NE-MODELS-003"), "Example: ")


def test_a_stream_is_shown_up_to_its_end() -> None:
    shown = part(explained("NE-STREAM-004"), "Example: ")
    assert '"key": "KEY", "gettokens": 1}' in shown
    assert 'and so on, in 6 pieces or more, up to the end: {"reply": "", "errorcode": 0}' in shown
    by_index = list(lines_of(VECTORS["seq-to-the-end"]))
    assert any('"seq": n, "done": false' in line for line in by_index)
    assert any('up to the end: {"reply": "", "errorcode": 0, "seq": n, "done": true}' in line for line in by_index)


def test_a_sequence_on_the_providers_link_is_shown_write_by_write() -> None:
    assert list(lines_of(VECTORS["hub-login-cut"])) == [
        "The provider has connected, and not logged in yet.",
        'provider -> hub, 13 bytes: {"user": "MYG',
        'provider -> hub, 22 bytes: PT", "key": "DEMOKEY"}',
        "hub -> provider: OK",
        "=> the link stays",
    ]
    assert list(lines_of(VECTORS["close-instead"]))[1:] == [
        "provider closes",
        "hub -> client: an error (provider_error, code 13; in core any code but 0)",
        "=> the link closes",
    ]
    assert list(lines_of(VECTORS["ping-before-request"]))[1:] == [
        'hub -> provider, 11 bytes: {"ping": 1}',
        'hub -> provider, 17 bytes: {"message": "hi"}',
        "=> the provider sees: ping",
        '=> the provider sees: request: {"message": "hi"}',
    ]


def test_bytes_that_are_no_text_or_very_many_can_be_read() -> None:
    largest = list(lines_of(VECTORS["answer-largest"]))
    assert largest[1] == 'provider -> hub, 4,194,312 bytes: 00400000{"reply": "<4,194,291 times x>"}'
    assert "\\xff" in " ".join(lines_of(VECTORS["hub-login-invalid-utf8"]))
    assert "<a key of 256 characters>" in " ".join(lines_of(VECTORS["key-of-256-characters"]))


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_every_vector_has_lines_of_its_own_that_show_no_placeholder(vector: dict[str, Any]) -> None:
    lines = list(lines_of(vector))
    assert len(lines) > 1
    for line in lines:
        assert line.strip()
        assert "\n" not in line
        assert len(line) < 5 * LONG_CHARS
        assert not any(name in line for name in ("{service", "{key", "{seq"))


def test_a_request_of_plain_json_is_a_word_that_a_shell_reads_as_the_body() -> None:
    steps = [step for vector in VECTORS.values() for step in vector.get("steps", ())]
    requests = [step["request"] for step in steps if "json" in step.get("request", ())]
    plain = [request for request in requests if "{" not in str(request["json"])[1:]]
    assert plain
    for request in plain:
        vector = {"steps": [{"request": request, "expect": {"code": 0}}]}
        *command, _ = lines_of(vector)
        words = shlex.split(" ".join(line.removesuffix("\\") for line in command))
        assert json.loads(words[-1]) == request["json"]


def test_the_example_is_one_that_shows_as_few_other_rules_as_can_be() -> None:
    named: dict[str, list[int]] = {}
    for each in examples():
        named.setdefault(each.shows, []).append(len(each.vector["requirements"]))
    for name, counts in named.items():
        example = best_example(name)
        assert example is not None
        assert name in example.vector["requirements"]
        assert len(example.vector["requirements"]) == min(counts)


def test_of_many_requests_that_are_alike_the_first_are_shown_and_a_story_is_told_whole() -> None:
    lines = list(lines_of(VECTORS["syntax-answered"]))
    assert lines[-1] == "and 25 more like them"
    assert [line for line in lines if line.startswith("request ")] == [f"request {number}" for number in range(1, 6)]
    story = list(lines_of(VECTORS["stream-keys-apart"]))
    assert "request 9" in story
    assert "   the replies of 5, 7, 9, put together, are the reply of 1" in story


def test_characters_that_cannot_be_seen_stand_in_a_body_as_a_shell_reads_them() -> None:
    bodies = {
        b"\xc2\xa0{}": {"text": "\u00a0{}"},
        b"it's\n\\x\x00": {"text": "it's\n\\x\x00"},
        b'{"x": "\xc0\xaf"}': {"hex": b'{"x": "\xc0\xaf"}'.hex()},
    }
    for body, request in bodies.items():
        word = (
            list(lines_of({"steps": [{"request": request, "expect": {"code": 2}}]}))[1].strip().removeprefix("--json ")
        )
        read = ["bash", "-c", f"printf %s {word}"]
        shown = subprocess.run(read, capture_output=True, timeout=30, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
        assert shown == body.partition(b"\x00")[0]  # no word of a shell holds NUL


def test_a_rule_without_a_vector_says_why_there_is_no_example() -> None:
    for name, why in spec.unshown().items():
        assert best_example(name) is None
        output = explained(name)
        assert "\n\nExample" not in output
        assert part(output, "No example") == why
        assert json.loads(explained(name, "--json"))[0]["no_example"] == why
    assert "xample" not in explained("NE-CLI-002")


def test_an_exchange_with_everybody_in_sight_is_shown_message_by_message() -> None:
    assert list(lines_of(VECTORS["held-poll-is-no-end"]))[:8] == [
        'provider -> hub: {"user": "MYGPT", "key": "DEMOKEY"}',
        "hub -> provider: OK",
        'client -> hub, POST /MYGPT/: {"message": "Tell me a story.", "key": "key1234", "gettokens": 1}',
        'hub -> provider: {"message": "Tell me a story."}',
        "5 s pass",
        "hub -> client: no answer yet",
        'provider -> hub: 00000016{"reply": "Once upon"}',
        'hub -> client: {"reply": "Once", "errorcode": 0}',
    ]


def test_an_exchange_with_everybody_in_sight_says_how_its_hub_is_set_and_what_else_conforms() -> None:
    told = [line for name in ("quota-code", "held-poll-is-bounded") for line in lines_of(VECTORS[name])]
    assert told[0] == "The hub has the service MYGPT with the service key DEMOKEY and a quota of 1 in 60 s."
    assert "The hub's limit long_poll_s is 300." in told
    assert "Leeway: The hub may end the poll sooner." in told
    assert 'hub -> client: {"reply": "...", "errorcode": 9, "retry_after": 60}' in told
    assert "hub -> client: white space, and no answer yet" in told
    shown = [line for vector in VECTORS.values() if "from" in str(vector) for line in lines_of(vector)]
    assert 'hub -> client: {"reply": "...", "errorcode": (not 0)}  (status 502)' in shown
    assert 'hub -> client: {"reply": "caf\\u00e9", "errorcode": 0}  (in ASCII)' in shown
    assert 'hub -> client: [{"name": "MYGPT", ...}, ...]  ("DEMOKEY" and "ACCESSKEY" nowhere in it)' in shown
    assert 'client -> hub, POST /MYGPT/ with Authorization: Bearer WRONG: {"message": "Hello LLM"}' in shown
    assert "the hub is told to stop" in shown


def test_hubs_that_break_the_rule_are_named_with_the_command_that_starts_them() -> None:
    shown = part(explained("NE-HTTP-005"), "See it broken")
    assert shown == "neuroengine mock --wrong names_folded a hub that matches names whatever their case"


def test_without_the_mock_hub_all_else_is_told() -> None:
    program = (
        "import sys\nsys.modules['mockserver'] = None\nsys.modules['conformance'] = None\n"
        "from neuroengine.cli import main\nmain(sys.argv[1:])"
    )
    words = [sys.executable, "-c", program, "conformance", "explain", "NE-HTTP-005"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[1])
    assert "How to mend a hub that fails it" in done.stdout
    assert "See it broken" not in done.stdout


def test_a_rule_that_cannot_be_judged_says_why_and_how_it_is_kept_all_the_same() -> None:
    output = explained("NE-CODE-016")
    assert "cannot be judged from outside. A judge from outside cannot stop a hub." in part(output, HEADINGS[0])
    assert part(output, HEADINGS[2]) == ROWS["NE-CODE-016"]["mend"]
    assert "needs" not in output
    permission = explained("NE-HTTP-004")
    assert "A permission" in permission
    assert "How to mend" not in permission


def test_a_rule_of_another_role_says_what_will_judge_it() -> None:
    output = explained("NE-CLI-001")
    assert "the client, MUST, profile core" in output
    assert f"It is not judged yet. It will be so: {ROWS['NE-CLI-001']['pending']}" in part(output, HEADINGS[0])
    assert "How to mend" not in output


def test_several_are_told_one_after_another_and_none_twice() -> None:
    output = explained("NE-HTTP-001", "NE-HTTP-002", "ne-http-001")
    assert output.count("NE-HTTP-001  Service path") == 1
    assert output.index("NE-HTTP-002  Path without") > output.index(f"\n\n{'-' * 100}\n\n")


@pytest.mark.parametrize("columns", [50, 80, 300])
def test_prose_is_wrapped_to_the_terminal_and_what_is_copied_is_not(columns: int) -> None:
    output = explained("NE-STREAM-004", "NE-LOSS-005", columns=columns)
    blocks = [block for block in output.split("\n\n") if not block.startswith("Example: ")]
    copied = ("--select", "--wrong", "check: ")
    prose = [line for line in "\n".join(blocks).splitlines() if not any(word in line for word in copied)]
    assert max(map(len, prose)) <= min(columns, 100)
    commands = [line.strip() for line in output.splitlines() if any(word in line for word in ("--json", "--select"))]
    assert len(commands) == 3
    assert commands[0].endswith('"gettokens": 1}\'')
    assert commands[1].endswith("--select NE-STREAM-004")


@pytest.mark.parametrize("name", [name for name in ROWS if name.endswith("-001")] + ["NE-ACCESS-004", "NE-REQ-031"])
def test_as_json_all_that_is_told_is_there(name: str) -> None:
    (found,) = json.loads(explained(name, "--json"))
    assert {**found, "section": found["section"]["anchor"]}.items() >= ROWS[name].items()
    assert found["state"] in {"judged", "untestable", "pending"}
    assert [hub["name"] for hub in found["wrong_hubs"]] == [
        hub.name for hub in WRONG_HUBS.values() if hub.breaks == name
    ]
    if found["example"] is not None:
        assert found["example"]["lines"] == list(lines_of(found["example"]["vector"]))
        assert name in found["example"]["vector"]["requirements"]


def test_every_need_and_every_basis_has_its_words() -> None:
    assert set(NEEDED) == {need for row in ROWS.values() for need in row.get("needs", [])}
    assert set(BASIS) == {row["basis"] for row in ROWS.values()}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NE-HTTP-999", "NE-HTTP-001 to NE-HTTP-008 are there"),
        ("stream-3", "did you mean NE-STREAM-003, No early end?"),
        ("NE-STREAM-3", "did you mean NE-STREAM-003"),
        ("NE_LOGIN_006", "did you mean NE-LOGIN-006"),
        ("NE-STREM-004", "did you mean NE-STREAM-004"),
        ("login", "NE-LOGIN-001 to NE-LOGIN-014 are there"),
        ("?", "the areas are ACCESS, ANS, BODY"),
    ],
)
def test_an_id_that_is_none_gets_the_ones_that_may_be_meant(name: str, hint: str) -> None:
    result = CliRunner().invoke(main, ["conformance", "explain", "NE-HTTP-001", name])
    assert result.exit_code == 2
    assert f"there is no requirement {name.upper()!r}; {hint}" in " ".join(result.stderr.split())
    assert result.stdout == ""
