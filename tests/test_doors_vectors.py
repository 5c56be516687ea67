"""Every door answers the HTTP vectors of the spec as they say, the same hub behind each."""

from __future__ import annotations

import pytest
from doors import DOORS, SERVICE, Door, posting
from vector_runner import FILES, run


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_door_answers_as_the_vectors_say(door: Door, file: str) -> None:
    with door.open() as (hub, client):
        assert hub.services[0].name == SERVICE
        results = {vector["name"]: run(posting(client), vector) for vector in FILES[file]["vectors"]}
    wrong = {name: result.unjudged or result.problems for name, result in results.items()}
    assert {name: problems for name, problems in wrong.items() if problems} == {}
