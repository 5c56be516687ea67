"""The public names: listed once, found lazily, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import neuroengine

HEAVY = ("httpx", "pydantic", "asyncio", "click", "rich", "ssl", "json")


def loaded_after(program: str, *modules: str) -> set[str]:
    """Which of the modules a fresh interpreter has loaded because of the program."""
    check = f"""import sys
before = set(sys.modules)
{program}
print(*(set({modules!r}) & (sys.modules.keys() - before)))"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_the_names_are_sorted_and_every_one_is_there() -> None:
    names = neuroengine.__all__
    assert list(names) == sorted(names, key=lambda name: (name.startswith("_"), name))
    for name in names:
        assert getattr(neuroengine, name) is not None
    assert set(names) <= set(dir(neuroengine))


def test_the_lists_of_names_agree() -> None:
    lazily = {name for names in neuroengine._HOMES.values() for name in names}
    tree = ast.parse(Path(str(neuroengine.__file__)).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    for_checkers = {
        (str(node.module).removeprefix("neuroengine."), alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert for_checkers == {(home, name) for home, names in neuroengine._HOMES.items() for name in names}
    assert lazily | {"__version__"} == set(neuroengine.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        neuroengine.Nonsense  # noqa: B018 - the access is the test


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert loaded_after("import neuroengine", *HEAVY) == set()


def test_the_names_of_errors_and_settings_need_no_http() -> None:
    program = "from neuroengine import HubError, InvalidField, Retry, StreamGap, Timeouts"
    assert loaded_after(program, "httpx", "pydantic", "asyncio", "click", "ssl") == set()


def test_naming_a_client_needs_no_http_until_one_is_made() -> None:
    program = "from neuroengine import AsyncClient, Client, Neuroengine\nNeuroengine('S')"
    assert loaded_after(program, "httpx", "pydantic", "asyncio", "click") == set()


def test_a_client_that_waits_never_loads_asyncio_or_pydantic_for_a_reply() -> None:
    program = """
from http.server import BaseHTTPRequestHandler, HTTPServer
import threading
class Hub(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"reply": "x", "errorcode": 0}')
    def log_message(self, *_): pass
with HTTPServer(("127.0.0.1", 0), Hub) as server:
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    from neuroengine import Client
    with Client("S", url=f"http://127.0.0.1:{server.server_port}") as client:
        assert client.generate("x").text == "x"
    thread.join(60)
"""
    assert loaded_after(program, "asyncio", "pydantic") == set()


def test_the_help_of_the_command_line_loads_no_command() -> None:
    program = "from neuroengine.cli import main\nmain(['--help'], standalone_mode=False)"
    assert loaded_after(program, "httpx", "pydantic", "asyncio", "rich") & set(HEAVY) <= {"click"}


@pytest.mark.parametrize("command", ["ask", "chat", "models", "doctor"])
def test_the_help_of_a_command_loads_nothing_that_the_command_needs(command: str) -> None:
    program = f"from neuroengine.cli import main\nmain(['{command}', '--help'], standalone_mode=False)"
    assert loaded_after(program, "httpx", "pydantic", "asyncio", "rich") & set(HEAVY) == set()


def test_a_client_loads_no_command_line_of_httpx_or_of_ours() -> None:
    program = "from neuroengine import Client\nClient('S', url='http://127.0.0.1:9')"
    assert loaded_after(program, "httpx", "click", "rich", "pygments", "asyncio", "pydantic", "tomllib") == {"httpx"}


def test_the_command_line_of_httpx_can_still_be_imported() -> None:
    program = "from neuroengine import Client\nClient('S', url='http://127.0.0.1:9')\nimport httpx._main"
    assert loaded_after(program, "httpx._main", "rich") == {"httpx._main", "rich"}


def test_an_httpx_that_was_there_first_is_left_as_it_is() -> None:
    program = """
import httpx
mine = httpx.main
from neuroengine import Client
Client('S', url='http://127.0.0.1:9')
assert httpx.main is mine and sys.modules["httpx._main"].main is mine
"""
    assert loaded_after(program, "httpx") == {"httpx"}


def test_only_the_transport_imports_httpx() -> None:
    root = Path(str(neuroengine.__file__)).parent
    importing = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "httpx" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "httpx")
    }
    assert importing == {"transport/lean_httpx.py"}
