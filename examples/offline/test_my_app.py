import pytest
from my_app import advise

from mockserver import MockHub


@pytest.mark.neuroengine("Sun and water.")
def test_advice_is_passed_on(neuroengine_api: MockHub) -> None:
    assert advise("tomatoes") == "Sun and water."
    neuroengine_api.journal.assert_called("What do tomatoes need?", times=1)


def test_an_error_is_told(neuroengine_api: MockHub) -> None:
    neuroengine_api.on().fail("queue_full")
    assert advise("tomatoes").startswith("Ask again later.")
