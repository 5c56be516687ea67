"""A request as a provider's callback sees it: a mapping of what came, and typed views that never fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroengine import Request
from neuroengine.protocol import fields
from neuroengine.protocol.requests import SAMPLING_FIELDS

DEFAULTS = {name: fields.defaults()[name] for name in SAMPLING_FIELDS} | {"raw": False}
ANYTHING = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)


def test_a_request_is_a_mapping_of_the_members_as_they_came() -> None:
    members = {"message": "hi", "raw": "True", "stop": ["}"], "top_k": 40.0}
    request = Request(members)
    assert dict(request) == members
    assert request["stop"] == ["}"]
    assert len(request) == 4
    assert "temperature" not in request


def test_a_field_that_is_left_out_has_its_default() -> None:
    request = Request({"message": "hi"})
    assert request.sampling == DEFAULTS
    assert (request.key, request.gettokens) == ("", fields.defaults()["gettokens"])


def test_a_field_that_came_has_its_value_in_the_type_that_it_means() -> None:
    request = Request({"message": "hi", "raw": "tRuE", "top_k": 7.0, "temperature": 0, "gettokens": "5", "key": "k"})
    assert request.sampling == DEFAULTS | {"raw": True, "top_k": 7, "temperature": 0}
    assert isinstance(request.sampling["top_k"], int)
    assert (request.key, request.gettokens) == ("k", 5)


@pytest.mark.parametrize("raw", ["False", "false", False])
def test_raw_is_a_boolean(raw: object) -> None:
    assert Request({"message": "hi", "raw": raw}).sampling["raw"] is False


@given(st.dictionaries(st.sampled_from(["message", *SAMPLING_FIELDS, "key", "gettokens"]), ANYTHING))
def test_whatever_a_hub_sends_the_views_can_be_read(members: dict[str, Any]) -> None:
    request = Request(members)
    assert isinstance(request.message, str)
    assert isinstance(request.key, str)
    assert request.gettokens >= 1
    sampling = request.sampling
    assert set(sampling) == set(SAMPLING_FIELDS)
    assert 0 <= sampling["top_p"] <= 1
    assert isinstance(sampling["raw"], bool)


def test_a_stream_key_is_never_shown() -> None:
    assert "SECRET" not in repr(Request({"message": "hi", "key": "SECRET"}))
    assert "hi" in repr(Request({"message": "hi", "key": "SECRET"}))
