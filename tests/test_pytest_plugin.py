"""The pytest plugin, in projects of other people."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from strangers import project, run_pytest

import conformance
import mockserver
import neuroengine

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

URL = "https://api.neuroengine.ai/Neuroengine-Large"

USES = f"""
    import asyncio, os, ssl, subprocess, sys
    import httpx, pytest

    def ask(url, **options):
        return httpx.post(url, json={{"message": "Hello"}}, **options).json()["reply"]

    @pytest.mark.neuroengine("one", "two")
    def test_code_that_asks_the_published_hub(neuroengine_api):
        assert [ask("{URL}") for _ in range(3)] == ["one", "two", "two"]
        neuroengine_api.journal.assert_called("Hello", times=3)

    def test_a_hub_in_this_process(neuroengine_hub):
        neuroengine_hub.on("Hello").reply("here")
        with httpx.Client(transport=neuroengine_hub.transport()) as client:
            assert client.post("{URL}", json={{"message": "Hello"}}).json()["reply"] == "here"

    @pytest.mark.neuroengine("piece by piece")
    def test_a_client(neuroengine_client, neuroengine_hub):
        assert neuroengine_client.generate("Hello").text == "piece by piece"
        assert list(neuroengine_client.stream("Hello", gettokens=1)) == ["piece", " by", " piece"]
        assert len(neuroengine_hub.journal) > 1

    @pytest.mark.neuroengine("from a task")
    def test_an_async_client(neuroengine_async_client):
        assert asyncio.run(neuroengine_async_client.generate("Hello")).text == "from a task"

    @pytest.mark.neuroengine("by a socket")
    def test_a_server(neuroengine_server, neuroengine_ca_file):
        trust = ssl.create_default_context(cafile=neuroengine_ca_file)
        assert ask(neuroengine_server.url + "/Neuroengine-Large", verify=trust) == "by a socket"

    @pytest.mark.neuroengine("by the environment", services={{"Mine": "KEY"}})
    def test_a_program_of_its_own(neuroengine_environment):
        command = [sys.executable, "-m", "neuroengine", "ask", "Hello"]
        assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == "by the environment"
        neuroengine_environment.journal.assert_called(service="Mine")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_every_fixture_gives_a_hub_that_answers_as_the_marker_says(tmp_path: Path, workers: tuple[str, ...]) -> None:
    outcome = run_pytest(project(tmp_path, {"test_uses.py": USES}), *workers)
    assert outcome.counts == {"passed": 6}, outcome.output


def test_tests_that_share_a_server_leave_nothing_behind(tmp_path: Path) -> None:
    tests = """
        import json, socket, ssl, threading
        import httpx, pytest

        seen = []

        def post(hub, request):
            trust = ssl.create_default_context(cafile=hub.ca_file)
            return httpx.post(hub.url + "/Neuroengine-Large", json=request, verify=trust).json()

        @pytest.mark.neuroengine("scripted", limits={"http_body_bytes": 1000}, faults=["latency"])
        def test_that_leaves_much_behind(neuroengine_server):
            hub = neuroengine_server
            hub.faults.clear()
            assert post(hub, {"message": "x", "key": "K", "gettokens": 1})["reply"] == "scripted"
            host, _, port = hub.provider.partition(":")
            trust = ssl.create_default_context(cafile=hub.ca_file)
            link = trust.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
            link.sendall(json.dumps({"user": "Neuroengine-Large", "key": "DEMOKEY"}).encode())
            assert link.recv(10) == b"OK"
            hub.rules.clear()
            waiting = threading.Thread(target=lambda: seen.append(post(hub, {"message": "never answered"})))
            waiting.start()
            hub.until_waiting()
            seen.extend([hub.url, hub.ca_file, link, waiting])

        def test_that_finds_nothing(neuroengine_server):
            hub = neuroengine_server
            url, ca_file, link, waiting = seen[:4]
            assert (hub.url, hub.ca_file) == (url, ca_file)
            link.settimeout(60)
            while link.recv(1000):
                pass
            link.close()
            waiting.join(60)
            assert seen[4]["errorcode"] == 16
            assert len(hub.journal) == len(hub.rules) == hub.faults.injected.total() == 0
            (entry,) = post(hub, {"command": "getmodels"})
            assert (entry["numreq"], entry["connected"]) == (0, True)
            assert post(hub, {"message": "x" * 2000, "key": "K", "max_new_len": 1})["errorcode"] == 0
    """
    outcome = run_pytest(project(tmp_path, {"test_shared.py": tests}))
    assert outcome.counts == {"passed": 2}, outcome.output


def test_markers_of_a_class_and_of_a_test_add_up_and_the_nearer_one_wins(tmp_path: Path) -> None:
    tests = """
        import httpx, pytest
        from mockserver import Clock

        def post(hub, request, path="/One"):
            with httpx.Client(transport=hub.transport(), base_url="http://hub") as client:
                return client.post(path, json=request).json()

        pytestmark = pytest.mark.neuroengine("of the module", services={"One": "KEY"})

        @pytest.mark.neuroengine(limits={"max_new_len_tokens": 3}, strict=True)
        class TestOfAClass:
            def test_that_inherits(self, neuroengine_hub):
                assert post(neuroengine_hub, {"message": "x"})["reply"] == "of the module"
                assert neuroengine_hub.rules.strict

            @pytest.mark.neuroengine("its own", services={"Two": "KEY"})
            def test_that_differs(self, neuroengine_hub):
                assert post(neuroengine_hub, {"message": "x"})["errorcode"] == 6
                assert post(neuroengine_hub, {"message": "x"}, "/Two")["reply"] == "its own"
                assert neuroengine_hub.rules.strict

        @pytest.mark.neuroengine(clock=Clock.leaping(), faults=[{"name": "latency", "seconds": 4}])
        def test_of_time(neuroengine_hub):
            assert post(neuroengine_hub, {"message": "x"})["errorcode"] == 0
            assert neuroengine_hub.clock.time() == 4

        @pytest.mark.neuroengine(base_url="http://somewhere.example/v2")
        def test_of_another_address(neuroengine_api):
            answer = httpx.post("http://somewhere.example/v2/One", json={"message": "x"}).json()
            assert answer["reply"] == "of the module"

        @pytest.mark.neuroengine(clock=Clock.stepped())
        def test_of_a_servers_clock(neuroengine_server):
            assert neuroengine_server.clock.time() == 0

        def test_after_it(neuroengine_server):
            assert neuroengine_server.clock.time() > 0
    """
    outcome = run_pytest(project(tmp_path, {"test_marked.py": tests}))
    assert outcome.counts == {"passed": 6}, outcome.output


def test_a_file_of_rules_lies_beside_the_tests_that_use_it(tmp_path: Path) -> None:
    tests = """
        import pytest

        @pytest.mark.neuroengine(rules="answers.toml")
        def test_of_a_file(neuroengine_client):
            assert neuroengine_client.generate("Hello").text == "from the file"
    """
    rules = """
        [[rules]]
        when = {message = "Hello"}
        then = "from the file"
    """
    project(tmp_path, {"deep/down/test_file.py": tests, "deep/down/answers.toml": rules})
    outcome = run_pytest(tmp_path)
    assert outcome.counts == {"passed": 1}, outcome.output


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("limit={'queue_s': 1}", "a hub has no setting 'limit'; it has clock, cors, faults, journal_entries, limits"),
        ("tls=False", "a hub has no setting 'tls'"),
        ("limits={'queue': 1}", "there is no limit 'queue'"),
        ("1", "an answer must be text"),
    ],
)
def test_a_wrong_marker_is_told_in_one_sentence(tmp_path: Path, marker: str, words: str) -> None:
    tests = f"""
        import pytest

        @pytest.mark.neuroengine({marker})
        def test_it(neuroengine_hub):
            pass
    """
    outcome = run_pytest(project(tmp_path, {"test_wrong.py": tests}))
    assert outcome.counts == {"error": 1}
    assert "the marker neuroengine is wrong" in outcome.output
    assert words in outcome.output
    assert "Traceback" not in outcome.output


def test_a_conftest_sets_what_holds_for_all_hubs_of_the_session(tmp_path: Path) -> None:
    conftest = """
        import pytest

        @pytest.fixture(scope="session")
        def neuroengine_settings():
            return {"services": {"Ours": "KEY"}, "tls": False}
    """
    tests = """
        import httpx, pytest

        def test_the_server(neuroengine_server):
            assert neuroengine_server.url.startswith("http://")
            assert httpx.post(neuroengine_server.url + "/Ours", json={"message": "x"}).json()["errorcode"] == 0

        @pytest.mark.neuroengine("marked")
        def test_the_client(neuroengine_client):
            assert neuroengine_client.service == "Ours"
            assert neuroengine_client.generate("Hello").text == "marked"
    """
    outcome = run_pytest(project(tmp_path, {"conftest.py": conftest, "test_session.py": tests}))
    assert outcome.counts == {"passed": 2}, outcome.output


def test_a_test_that_fails_shows_what_its_hub_saw(tmp_path: Path) -> None:
    tests = """
        import httpx, pytest

        def test_that_fails(neuroengine_client, neuroengine_hub):
            neuroengine_hub.on("Good evening", name="evening").reply("Good night")
            assert [neuroengine_client.generate(f"Hello {n}", max_new_len=1).text for n in range(25)] == []

        @pytest.mark.neuroengine(strict=True)
        def test_of_a_strict_hub(neuroengine_hub):
            neuroengine_hub.on("Good morning").reply("Good day")
            with httpx.Client(transport=neuroengine_hub.transport()) as client:
                assert client.post("http://hub/Neuroengine-Large", json={"message": "Good moaning"}).json() == {}

        def test_that_asks_nothing(neuroengine_server):
            assert False

        def test_that_passes(neuroengine_client):
            assert neuroengine_client.generate("Nobody reads this").text
    """
    outcome = run_pytest(project(tmp_path, {"test_failing.py": tests}))
    assert outcome.counts == {"failed": 3, "passed": 1}, outcome.output
    assert outcome.output.count("neuroengine: what the mock hub saw") == 3
    assert re.search('^    .*wanted "Good morning", got "Good moaning"', outcome.output, re.MULTILINE)
    for words in ("… 5 exchanges before these", '"Hello 24"', "never applied: evening", "no request came"):
        assert words in outcome.output
    assert '#5 Neuroengine-Large "Hello 4"' not in outcome.output
    assert "Nobody reads this" not in outcome.output


# -- projects that do not use it


def test_the_plugin_can_be_left_out(tmp_path: Path) -> None:
    tests = """
        def test_that_asks_for_it(neuroengine_hub):
            pass
    """
    outcome = run_pytest(project(tmp_path, {"test_without.py": tests}), "-p", "no:neuroengine")
    assert outcome.counts == {"error": 1}
    assert "fixture 'neuroengine_hub' not found" in outcome.output


def test_a_project_that_does_not_use_it_pays_for_nothing(tmp_path: Path) -> None:
    tests = """
        import sys

        def test_nothing_is_loaded(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("neuroengine")
            ours = {name for name in sys.modules if name.split(".")[0] in {"neuroengine", "mockserver", "conformance"}}
            assert ours == {"neuroengine", "neuroengine._version", "neuroengine.pytest_plugin"}
    """
    outcome = run_pytest(project(tmp_path, {"test_unaware.py": tests}))
    assert outcome.counts == {"passed": 1}, outcome.output


def test_the_plugin_imports_nothing_that_pytest_has_not_imported() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import neuroengine.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == ["neuroengine", "neuroengine._version", "neuroengine.pytest_plugin"]


@pytest.mark.parametrize("package", [neuroengine, mockserver, conformance], ids=lambda package: package.__name__)
def test_pytest_does_not_warn_a_program_that_has_imported_a_package_of_ours(package: ModuleType) -> None:
    # Pytest would rewrite the assertions of every distribution that has a plugin, and says so when it comes too late.
    assert "PYTEST_DONT_REWRITE" in str(package.__doc__)


# -- projects with our names


STRANGER = {
    "conftest.py": """
        import mockserver

        assert mockserver.OWNER == "the stranger"
    """,
    "mockserver/__init__.py": "OWNER = 'the stranger'",
    "mockserver/app.py": "ANSWER = 42",
    "mockserver/test_theirs.py": """
        import httpx, pytest

        @pytest.mark.neuroengine("ours")
        def test_beside_their_own_code(neuroengine_api):
            from mockserver.app import ANSWER

            assert ANSWER == 42
            answer = httpx.post("https://api.neuroengine.ai/Neuroengine-Large", json={"message": "x"})
            assert answer.json()["reply"] == "ours"
    """,
    "conformance/__init__.py": "",
    "conformance/helpers.py": "def check(): return 'theirs'",
    "conformance/test_more.py": """
        from conformance.helpers import check

        def test_a_server(neuroengine_server, neuroengine_client):
            import mockserver

            assert (check(), mockserver.OWNER) == ("theirs", "the stranger")
            assert neuroengine_server.url.startswith("https://localhost:")
            assert neuroengine_client.generate("Hello").text
    """,
}


@pytest.mark.parametrize("as_module", [False, True], ids=["pytest", "python -m pytest"])
@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_a_project_may_have_packages_of_our_names(tmp_path: Path, mode: str, as_module: bool) -> None:
    folder = project(tmp_path, STRANGER)
    options = () if as_module or mode == "prepend" else ("-o", "pythonpath=.")
    outcome = run_pytest(folder, f"--import-mode={mode}", *options, as_module=as_module)
    assert outcome.counts == {"passed": 2}, outcome.output


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_a_project_may_have_folders_of_our_names_that_are_no_packages(tmp_path: Path, mode: str) -> None:
    tests = """
        def test_{0}(neuroengine_client):
            assert neuroengine_client.generate("Hello").text
    """
    files = {f"{name}/test_{name}.py": tests.format(name) for name in ("mockserver", "conformance")}
    outcome = run_pytest(project(tmp_path, files), f"--import-mode={mode}", as_module=True)
    assert outcome.counts == {"passed": 2}, outcome.output
