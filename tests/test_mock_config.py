"""The mock hub's configuration: what a file says, how flags win over it, and what is said of a wrong one."""

from __future__ import annotations

import copy
import json
import random
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from mockserver import MockHub, Pace
from mockserver.config import Config, ConfigError, read_config, waiting
from mockserver.config.reading import SCHEMA_PATH
from mockserver.rules import Rule
from mockserver.rules.fixtures import write_rules
from mockserver.rules.schema import violation
from mockserver.wrong import WRONG_HUBS
from neuroengine import spec
from neuroengine._generated.registry import DEFAULT_SERVICE

SCHEMA = spec.read_json(SCHEMA_PATH)
DEFINITIONS = SCHEMA["$defs"]
DOCUMENTS: Registry[Any] = Registry().with_resources(
    (document["$id"], Resource.from_contents(document))
    for document in (
        SCHEMA,
        spec.read_json("mock/rules.schema.json"),
        *(spec.schema(name) for name in spec.SCHEMA_NAMES),
    )
)
PROPERTIES = {
    f"{name}.{member}": (name, member, part["properties"][member])
    for name, part in DEFINITIONS.items()
    for member in part.get("properties", {})
    if part["properties"][member].keys() != {"$ref"}
}
ROUNDS = 1500

WHOLE = """
http_port = 0
tls = false
matching_statuses = true
cors = true
strict = true
clock_scale = 10
journal_entries = 5
journal_file = "journal.har"
rule_files = ["more.toml"]
limits = { queue_s = 5, http_body_bytes = 1000 }
pace = { first_token_s = 0.5, tokens_per_s = 20 }
faults = ["reset", { name = "latency", seconds = 2, rate = 0.1 }]

[[services]]
name = "MYGPT"
key = "THE-KEY"
access_keys = ["A", "B"]
comment = "mine"
operator = "@me"
preprompt = "U: "
endprompt = " A:"
quota = 3
quota_window_s = 10
offline = true
pace = { tokens_per_s = 5 }

[[services]]
name = "Other"

[[rules]]
name = "greeting"
when = { message = "Hello" }
then = "Hi"
"""

RECORD = """
[record]
url = "https://hub.example"
to = "out.toml"
"""


def is_valid(data: Any, definition: str = "Config") -> bool:
    return bool(
        Draft202012Validator({"$ref": f"{SCHEMA['$id']}#/$defs/{definition}"}, registry=DOCUMENTS).is_valid(data)
    )


def config(tmp_path: Path, text: str, flags: dict[str, Any] | None = None) -> Config:
    file = tmp_path / "mock.toml"
    file.write_text(text)
    return read_config(file, flags)


def wrong(tmp_path: Path, text: str, flags: dict[str, Any] | None = None) -> str:
    """What is said of it, without the folder."""
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, text, flags)
    return str(caught.value).replace(f"{tmp_path}/", "")


# -- the schema


@pytest.mark.parametrize("part", DEFINITIONS.values(), ids=DEFINITIONS.keys())
def test_every_definition_is_described_and_has_valid_examples(part: dict[str, Any]) -> None:
    name = next(name for name, one in DEFINITIONS.items() if one is part)
    assert part["title"]
    assert part["description"].endswith(".")
    assert part["examples"]
    assert all(is_valid(example, name) for example in part["examples"])


@pytest.mark.parametrize("property_", PROPERTIES.values(), ids=PROPERTIES.keys())
def test_every_property_is_described_and_its_examples_are_valid_there(property_: tuple[str, str, Any]) -> None:
    name, member, part = property_
    assert part["title"]
    assert part["description"].endswith(".")
    assert part["examples"]
    whole = next((one for one in DEFINITIONS[name]["examples"] if member in one), DEFINITIONS[name]["examples"][0])
    for example in part["examples"]:
        assert is_valid({**whole, member: example}, name), example


def test_the_wrong_hubs_of_the_examples_exist() -> None:
    assert DEFINITIONS["Config"]["properties"]["wrong"]["examples"][0] in WRONG_HUBS


def test_a_file_says_what_is_recorded(tmp_path: Path) -> None:
    read = config(tmp_path, RECORD).record
    assert read is not None
    assert (read.url, read.to) == ("https://hub.example", tmp_path / "out.toml")


def test_the_defaults_in_the_schema_are_those_that_hold() -> None:
    members = DEFINITIONS["Config"]["properties"]
    plain = read_config()
    for name in ("http_port", "provider_port", "tls", "clock_scale"):
        assert getattr(plain, name) == members[name]["default"]
    for name in ("matching_statuses", "cors", "strict", "journal_entries"):
        assert plain.settings[name] == members[name]["default"]  # type: ignore[literal-required]  # a setting's name


def test_the_reader_and_a_json_schema_library_agree_on_many_changed_files() -> None:
    draw = random.Random(20261126)
    seeds = [tomllib.loads(WHOLE), tomllib.loads(RECORD), *DEFINITIONS["Config"]["examples"]]
    names = sorted({name for part in DEFINITIONS.values() for name in part.get("properties", {})} | {"odd"})
    values: list[Any] = [
        None,
        True,
        0,
        1,
        -1,
        1.5,
        70000,
        "",
        "a",
        "reset",
        [],
        ["a"],
        {},
        {"name": "a"},
        [{"name": "a"}],
    ]
    verdicts = {True: 0, False: 0}
    for _ in range(ROUNDS):
        data = copy.deepcopy(draw.choice(seeds))
        places = [data, *(part for value in data.values() for part in _within(value))]
        place = draw.choice(places)
        name = draw.choice([*place, draw.choice(names)])
        if name in place and draw.random() < 0.3:
            del place[name]
        else:
            place[name] = copy.deepcopy(draw.choice(values))
        valid = is_valid(data)
        verdicts[valid] += 1
        assert (violation(data, SCHEMA_PATH) is None) is valid, data
    assert min(verdicts.values()) > ROUNDS / 20, verdicts


def _within(value: Any) -> list[dict[str, Any]]:
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if isinstance(part, dict)]


# -- what a file says


def test_a_file_says_all_that_a_hub_can_be(tmp_path: Path) -> None:
    write_rules(tmp_path / "more.toml", [Rule("More").reply("Yes")])
    read = config(tmp_path, WHOLE)
    assert (read.http_port, read.tls, read.clock_scale) == (0, False, 10)
    assert read.journal_file == tmp_path / "journal.har"
    assert read.record is None
    assert read.files == (tmp_path / "mock.toml", tmp_path / "more.toml")
    hub = MockHub(**read.settings)
    one, two = hub.services
    assert (one.name, one.key, one.access_keys, one.comment, one.operator) == (
        "MYGPT",
        "THE-KEY",
        ("A", "B"),
        "mine",
        "@me",
    )
    assert (one.preprompt, one.endprompt, one.quota, one.quota_window_s, one.offline) == ("U: ", " A:", 3, 10, True)
    assert (one.pace, two.pace) == (Pace(tokens_per_s=5), None)
    assert (two.name, two.key, two.comment) == ("Other", "DEMOKEY", "The simulated model as Other")
    assert read.settings["pace"] == Pace(0.5, 20)
    assert [rule.rule for rule in hub.rules] == [Rule("Hello", name="greeting").reply("Hi"), Rule("More").reply("Yes")]
    assert [(fault.name, fault.when.rate) for fault in hub.faults] == [("reset", 1), ("latency", 0.1)]
    assert str(read) == "2 services, 2 rules, 2 faults"


def test_the_same_can_be_said_in_json(tmp_path: Path) -> None:
    write_rules(tmp_path / "more.toml", [])
    file = tmp_path / "mock.json"
    file.write_text(json.dumps(tomllib.loads(WHOLE)))
    assert read_config(file).settings == config(tmp_path, WHOLE).settings


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert config(tmp_path, "").settings == read_config().settings


def test_keys_come_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCK_KEY", " FROM-ENVIRONMENT\n")
    monkeypatch.setenv("MOCK_ACCESS", "A B\nC")
    (tmp_path / "one.key").write_text("FROM-FILE\n")
    read = config(
        tmp_path,
        '[[services]]\nname = "A"\nkey_env = "MOCK_KEY"\naccess_keys_file = "one.key"\n'
        '[[services]]\nname = "B"\nkey_file = "one.key"\naccess_keys_env = "MOCK_ACCESS"\n',
    )
    one, two = MockHub(**read.settings).services
    assert (one.key, one.access_keys) == ("FROM-ENVIRONMENT", ("FROM-FILE",))
    assert (two.key, two.access_keys) == ("FROM-FILE", ("A", "B", "C"))
    assert tmp_path / "one.key" in read.files


def test_a_rule_file_brings_its_services_where_the_configuration_has_none_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(
        'rules = []\n[[services]]\nname = "A"\ncomment = "listed"\n[[services]]\nname = "B"\n'
    )
    alone = MockHub(**config(tmp_path, 'rule_files = ["rules.toml"]').settings)
    assert [(service.name, service.comment) for service in alone.services] == [("A", "listed"), ("B", "")]
    both = MockHub(
        **config(tmp_path, 'rule_files = ["rules.toml"]\n[[services]]\nname = "A"\ncomment = "own"').settings
    )
    assert [(service.name, service.comment) for service in both.services] == [("A", "own"), ("B", "")]


# -- flags


def test_a_flag_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_THERE", raising=False)
    write_rules(tmp_path / "flag.toml", [Rule("flag")])
    write_rules(tmp_path / "file.toml", [Rule("file")])
    read = config(
        tmp_path,
        "tls = true\nstrict = false\nlimits = { queue_s = 5, ping_s = 7 }\n"
        "pace = { tokens_per_s = 5, first_token_s = 1 }\n"
        'faults = ["reset"]\nrule_files = ["file.toml"]\nrules = [{ when = { message = "inside" } }]\n'
        '[[services]]\nname = "A"\nkey_env = "NOT_THERE"\nquota = 1\n[[services]]\nname = "B"\ncomment = "b"\n',
        {
            "tls": False,
            "strict": True,
            "limits": {"queue_s": 1.0},
            "pace": {"tokens_per_s": 9.0},
            "faults": ["latency"],
            "rule_files": [tmp_path / "flag.toml"],
            "services": [{"name": "A", "key": "FLAG"}, {"name": "C", "key": "NEW"}, {"name": "B", "quota": 3}],
        },
    )
    hub = MockHub(**read.settings)
    assert (read.tls, read.settings["strict"]) == (False, True)
    assert read.settings["limits"] == {"queue_s": 1, "ping_s": 7}
    assert read.settings["pace"] == Pace(1, 9)
    assert [fault.name for fault in hub.faults] == ["latency", "reset"]
    assert [rule.rule for rule in hub.rules] == [Rule("flag"), Rule("inside"), Rule("file")]
    assert [(one.name, one.key, one.quota, one.comment) for one in hub.services] == [
        ("A", "FLAG", 1, "The simulated model as A"),
        ("B", "DEMOKEY", 3, "b"),
        ("C", "NEW", None, "The simulated model as C"),
    ]


def test_a_flag_can_be_about_the_service_that_a_hub_without_services_has() -> None:
    (service,) = MockHub(**read_config(flags={"services": [{"name": DEFAULT_SERVICE, "quota": 2}]}).settings).services
    assert (service.name, service.quota) == (DEFAULT_SERVICE, 2)


def test_a_flag_about_a_service_that_is_not_there_is_refused(tmp_path: Path) -> None:
    flags = {"services": [{"name": "Nobody", "quota": 2}]}
    assert wrong(tmp_path, '[[services]]\nname = "A"', flags) == "there is no service 'Nobody'; there are A"


def test_what_is_wrong_is_said_of_the_file_or_of_the_flags(tmp_path: Path) -> None:
    assert wrong(tmp_path, "limits = { nosuch = 1 }", {"strict": True}).startswith(
        "mock.toml: limits: there is no limit"
    )
    assert wrong(tmp_path, "strict = true", {"limits": {"nosuch": 1.0}}).startswith("limits: there is no limit")


# -- errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls = 1", "mock.toml: tls must be true or false; it was 1"),
        ("htp_port = 1", "mock.toml: htp_port is not known here; known are $schema, http_port,"),
        ("http_port = 70000", "mock.toml: http_port must be a whole number from 0 to 65535; it was 70000"),
        ("clock_scale = -1", "mock.toml: clock_scale must be a finite number, 0 or more; it was -1"),
        ("clock_scale = 0", "mock.toml: clock_scale: at 0 the clock stands until the admin API advances it"),
        ("services = []", "mock.toml: services must be a list that is not empty; it was []"),
        ("[[services]]\nkey = 'K'", "mock.toml: service 1: name is missing"),
        ("[[services]]\nname = 'a b'", 'mock.toml: service 1 "a b": name must be text of the form'),
        ("[[services]]\nname = 'A'\nquota = -1", 'mock.toml: service 1 "A": quota must be a whole number, 0 or more; it was -1'),  # noqa: E501 - a row
        ("[[services]]\nname = 'A'\n[[services]]\nname = 'A'", 'mock.toml: service 2 "A": another service has this name already'),  # noqa: E501 - a row
        ("[[services]]\nname = 'A'\nkey_env = 'MOCK_NOT_THERE'", "key_env: the environment has no variable 'MOCK_NOT_THERE'; set it,"),  # noqa: E501 - a row
        ("[[services]]\nname = 'A'\nkey_file = 'not.there'", "key_file: not.there cannot be read: No such file or directory"),  # noqa: E501 - a row
        ("[[services]]\nname = 'A'\nkey_file = 'empty'", "key_file: empty holds no key"),
        ("[[services]]\nname = 'A'\nkey_file = 'two'", "key_file must hold one key; it holds 2"),
        ("[[services]]\nname = 'A'\nkey = 'K'\nkey_file = 'two'", "key and key_file exclude each other: give one of them"),  # noqa: E501 - a row
        ("[[services]]\nname = 'A'\naccess_keys = 'SECRET'", 'service 1 "A": access_keys must be a list'),
        ("[[services]]\nname = 'A'\naccess_keys = [['SECRET']]", 'service 1 "A": access_keys[0] must be text that is not empty'),  # noqa: E501 - a row
        ("[[services]]\nname = 'A'\nkey = ['SECRET']", 'service 1 "A": key must be text that is not empty'),
        ("limits = { queue_s = 0 }", "mock.toml: limits.queue_s must be a finite number above 0; it was 0"),
        ("limits = { nosuch = 1 }", "mock.toml: limits: there is no limit 'nosuch'; the limits are"),
        ("pace = { tokens_per_s = 0 }", "mock.toml: pace.tokens_per_s must be a finite number above 0; it was 0"),
        ("faults = ['nosuch']", "mock.toml: fault 1: there is no fault 'nosuch'; there are"),
        ("faults = [{ name = 'latency', rate = 2 }]", 'mock.toml: fault 1 "latency": rate must be a finite number from 0 to 1'),  # noqa: E501 - a row
        ("faults = [{ name = 'latency', secs = 2 }]", "mock.toml: fault 1: the fault 'latency' has no setting 'secs'"),
        ("wrong = 'nosuch'", "mock.toml: wrong: there is no wrong hub 'nosuch'; `neuroengine mock --list-wrong` names"),
        ("[[rules]]\nname = 'x'\nthen = 5", 'mock.toml: rule 1 "x": then must be'),
        ("[[rules]]\nthen = { error = 'nosuch' }", "mock.toml: rule 1: then: there is no error 'nosuch'"),
        ("rule_files = ['not.there']", "mock.toml: not.there: the ending must be .json or .toml"),
        ("rule_files = ['not.toml']", "mock.toml: not.toml: cannot be read: No such file or directory"),
        ("journal_file = 'nowhere/x.har'", "mock.toml: journal_file: there is no folder nowhere to write x.har in"),
        ("journal_file = '.'", "mock.toml: journal_file:"),
        ("record = { url = 'hub' }", "mock.toml: record.url must be text of the form"),
        ("strict = true\nfaults = ['reset']\nrecord = { url = 'http://h' }", "mock.toml: record: every request is passed on to the live hub; leave out strict, faults"),  # noqa: E501 - a row
        ("record = { to = 'x.json' }", "mock.toml: record.url is missing"),
        ("record = { url = 'http://h', to = 'x.txt' }", "mock.toml: record: to: the ending must be .json or .toml; it was '.txt'"),  # noqa: E501 - a row
        ("record = { url = 'http://h', ca_file = 'no.pem' }", "mock.toml: record: ca_file: there is no file no.pem"),
        ("x = ", "mock.toml: is no TOML: "),
    ],
)  # fmt: skip
def test_an_error_names_the_file_the_key_the_value_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "two").write_text("SECRET-ONE SECRET-TWO")
    sentence = wrong(tmp_path, text)
    assert said in sentence
    assert "\n" not in sentence
    assert "SECRET" not in sentence


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mock\.toml: cannot be read: No such file"):
        read_config(tmp_path / "mock.toml")
    with pytest.raises(ConfigError, match=r"mock\.ini: the ending must be \.json or \.toml"):
        read_config(tmp_path / "mock.ini")
    with pytest.raises(ConfigError, match="there is no live hub to record"):
        read_config(flags={"record": {"to": Path("x.json")}})


def test_what_is_read_at_the_start_only_is_told(tmp_path: Path) -> None:
    before, after = config(tmp_path, "http_port = 1\ntls = true"), config(tmp_path, "http_port = 2\ncors = true")
    assert waiting(before, after) == ["http_port", "tls"]
    assert waiting(after, after) == []
