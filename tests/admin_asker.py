"""A mock hub's admin API, asked as a program in another language would; every answer is held against the schema."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from jsonschema import Draft202012Validator
from patience import DEADLINE_S
from referencing import Registry, Resource

from mockserver import MockHub
from mockserver.admin.routes import SCHEMA_PATH, route_of
from neuroengine import spec
from neuroengine._generated.registry import DEFAULT_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = spec.read_json(SCHEMA_PATH)
DOCUMENTS: Registry[Any] = Registry().with_resources(
    (document["$id"], Resource.from_contents(document))
    for document in (
        SCHEMA,
        *(spec.read_json(f"mock/{name}.schema.json") for name in ("rules", "config")),
        *(spec.schema(name) for name in spec.SCHEMA_NAMES),
    )
)


class Admin:
    """A hub, asked by its admin API."""

    def __init__(self, hub: MockHub) -> None:
        self.hub = hub
        self.http = httpx.Client(base_url=hub.admin_url, timeout=DEADLINE_S)
        self.used: set[str] = set()

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        response = self.http.request(method, path, json=body, params=query or None)
        route = route_of(method, path)
        assert response.status_code == route.status, response.text
        content = response.json()
        check(content, route.answer)
        self.used.add(route.name)
        return content

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        response = self.http.request(method, path, json=body, params=query or None)
        check(response.json(), "AdminError")
        return response.status_code, response.json()["error"]

    def list_models(self) -> Any:
        """Asks the hub itself what it lists."""
        with httpx.Client(transport=self.hub.transport()) as client:
            return client.post(self.hub.url, json={"command": "getmodels"}).json()

    def say(self, message: str = "Hello", service: str = DEFAULT_SERVICE, **members: Any) -> dict[str, Any]:
        """Asks the hub itself, with patience for any speed of its clock."""
        with httpx.Client(transport=self.hub.transport(), timeout=None) as client:  # noqa: S113 - on the hub's clock
            answer: dict[str, Any] = client.post(
                f"{self.hub.url}/{service}", json={"message": message, **members}
            ).json()
        return answer


def check(content: Any, definition: str) -> None:
    Draft202012Validator({"$ref": f"{SCHEMA['$id']}#/$defs/{definition}"}, registry=DOCUMENTS).validate(content)


@contextmanager
def admin_of(**options: Any) -> Iterator[Admin]:
    with MockHub(admin=True, **options) as hub:
        admin = Admin(hub)
        with admin.http:
            yield admin
