"""Lets three minutes of a provider's silence pass at once."""

import threading

from mockserver import Clock, MockHub
from neuroengine import Client, Provider, Retry
from neuroengine.errors import ProviderTimeoutError

asked, release = threading.Event(), threading.Event()


def say_nothing(_: object) -> str:
    """A model that thinks for ever."""
    asked.set()
    release.wait()
    return ""


def let_time_pass() -> None:
    """Waits for the request, and not for the three minutes."""
    asked.wait()
    hub.clock.advance(180)


with MockHub({"MYGPT": "KEY"}, clock=Clock.stepped(), tls=False) as hub:
    address, ca_file = hub.provider, hub.ca_file
    provider = Provider("MYGPT", "KEY", say_nothing, address=address, ca_file=ca_file)
    provider.connect()
    threading.Thread(target=provider.serve_forever).start()
    threading.Thread(target=let_time_pass).start()
    with Client("MYGPT", url=hub.url, retry=Retry(tries=1)) as client:
        try:
            client.generate("Hello")
        except ProviderTimeoutError as error:
            print(error.name)
    release.set()
    provider.close()
