"""Recipes: one situation each, at a hub without a socket, and no test waits."""

# --8<-- [start:head]
import pytest

from mockserver import Clock, MockHub, ServiceSettings
from mockserver.rules import Fail
from neuroengine import Client, HubError, StreamGap, TimedOut
from neuroengine.errors import ProviderError, QuotaExceededError, UnauthorizedError


@pytest.fixture(scope="session")
def neuroengine_settings() -> dict[str, object]:
    """What all hubs begin with; in a project it stands in conftest.py."""
    return {"clock": Clock.leaping()}


@pytest.fixture
def hub(neuroengine_hub: MockHub) -> MockHub:
    """The fixture by a shorter name."""
    return neuroengine_hub


@pytest.fixture
def client(neuroengine_client: Client) -> Client:
    """The fixture by a shorter name."""
    return neuroengine_client
    # --8<-- [end:head]


# --8<-- [start:busy]
def test_a_busy_hub_is_asked_again(hub: MockHub, client: Client) -> None:
    hub.on("Hello").fail("queue_full").times(2).reply("Hi!")
    assert client.generate("Hello").text == "Hi!"
    hub.journal.assert_called("Hello", times=3)
    # --8<-- [end:busy]


# --8<-- [start:quota]
def test_the_hubs_wish_for_a_pause_is_kept(hub: MockHub, client: Client) -> None:
    hub.on("Hello").fail("quota_exceeded", retry_after=30).once().reply("Hi!")
    assert client.generate("Hello").text == "Hi!"
    first, second = hub.journal
    assert second.at - first.at >= 30
    # --8<-- [end:quota]


# --8<-- [start:quota_for_ever]
def test_a_pause_that_is_too_long_is_reported(hub: MockHub, client: Client) -> None:
    hub.on().fail("quota_exceeded", retry_after=3600)
    with pytest.raises(QuotaExceededError) as refused:
        client.generate("Hello")
    assert refused.value.retry_after == 3600
    # --8<-- [end:quota_for_ever]


# --8<-- [start:stream]
def test_a_stream_that_breaks_is_no_whole_reply(hub: MockHub, client: Client) -> None:
    hub.on("Tell me").pieces(["Once upon", " a time", Fail("provider_error")])
    pieces = client.stream("Tell me")
    with pytest.raises(ProviderError):
        list(pieces)
    assert pieces.text == "Once upon a time"
    # --8<-- [end:stream]


# --8<-- [start:lost]
def test_a_lost_piece_is_asked_for_again(hub: MockHub, client: Client) -> None:
    hub.on("Count").pieces(["one", " two", " three"])
    hub.on("Count", poll=2).fault("drop").once()
    assert "".join(client.stream("Count")) == "one two three"
    # --8<-- [end:lost]


# --8<-- [start:gap]
@pytest.mark.neuroengine(wrong="index_not_echoed")
def test_a_hub_without_seq_may_leave_a_gap(hub: MockHub, client: Client) -> None:
    hub.on("Count").pieces(["one", " two", " three"])
    hub.on("Count", poll=2).fault("drop").once()
    with pytest.raises(StreamGap) as gap:
        list(client.stream("Count"))
    assert gap.value.text == "one"
    # --8<-- [end:gap]


# --8<-- [start:silence]
def test_a_hub_that_falls_silent_is_given_up(hub: MockHub, client: Client) -> None:
    hub.faults.add("half_open")
    with pytest.raises(TimedOut):
        client.generate("Hello")
    # --8<-- [end:silence]


# --8<-- [start:own_code]
def test_a_providers_own_code_reaches_the_program(hub: MockHub, client: Client) -> None:
    hub.on("Hello").answer("On holiday.", errorcode=100, until="Monday")
    with pytest.raises(HubError) as refused:
        client.generate("Hello")
    assert (refused.value.code, refused.value.members["until"]) == (100, "Monday")
    # --8<-- [end:own_code]


# --8<-- [start:strict]
@pytest.mark.neuroengine(strict=True)
def test_a_prompt_that_nobody_expects_is_told(hub: MockHub, client: Client) -> None:
    hub.on("Hello", temperature=0).reply("Hi!")
    with pytest.raises(HubError, match="temperature: wanted 0"):
        client.generate("Hello")
    # --8<-- [end:strict]


# --8<-- [start:access]
MEMBERS = ServiceSettings("Members-Only", "SERVICE-KEY", access_keys=("ACCESS-KEY",))


@pytest.mark.neuroengine("Hi!", services=[MEMBERS])
def test_a_wrong_access_key_is_refused(hub: MockHub, client: Client) -> None:
    assert client.generate("Hello").text == "Hi!"  # the fixture knows the key
    stranger = Client("Members-Only", access_key="WRONG", transport=hub.transport())
    with stranger, pytest.raises(UnauthorizedError):
        stranger.generate("Hello")
    # --8<-- [end:access]
