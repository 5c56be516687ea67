"""The messages of the protocol as two pages: what clients and hubs say, and what providers and hubs say."""

from __future__ import annotations

import re

from tools import source
from tools.docs import requirements, schemas

CLIENT, PROVIDER = source.MESSAGE_SCHEMAS
REQUEST = {"http", "body", "generate", "sampling", "streams", "stream-life", "resumable-polls", "limits"}
ANSWER = {"answer", "first-byte", "streams", "stream-life", "resumable-polls", "errors"}
SECTIONS = {
    "GenerateRequest": REQUEST,
    "GetmodelsRequest": {"getmodels", "http", "body"},
    "Answer": ANSWER,
    "SuccessAnswer": ANSWER - {"errors"},
    "ErrorAnswer": {"answer", "errors", "resumable-polls"},
    "ModelEntry": {"getmodels"},
    "ProviderLogin": {"provider-login", "provider-replacement", "streaming-providers"},
    "Ping": {"provider-frames", "deployed-providers"},
    "ProviderRequest": {"provider-requests", "provider-frames", "deployed-providers", "streaming-providers"},
    "ProviderAnswer": {"provider-answers"},
}
"""The sections whose requirements speak of a message."""


def render_client() -> str:
    """The page of the messages between client and hub."""
    return _page(CLIENT)


def render_provider() -> str:
    """The page of the messages between provider and hub."""
    return _page(PROVIDER)


def _page(path: str) -> str:
    schema = source.load(path)
    return f"# {schema['title']}\n\n{schema['description']}\n\n{schemas.definitions(path, _bound)}"


def _bound(message: str, field: str) -> list[str]:
    """The requirements that bind a field: those of the message's sections that name it in their sentence."""
    mark = re.compile(rf"`{re.escape(field)}`")
    ids = [
        row["id"] for row in requirements.rows() if row["section"] in SECTIONS[message] and mark.search(row["sentence"])
    ]
    return [f"<small>Rules: {requirements.links(ids)}</small>"] if ids else []
