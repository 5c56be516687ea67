"""Scripts a mock hub: what it answers, what goes wrong, and what happened."""

import re

from mockserver import MockHub
from neuroengine import Client, ConnectionFailed, Retry

with MockHub(tls=False) as hub:
    hub.on("Hello", temperature=0).reply("Hi!")
    hub.on(re.compile("^Translate")).pieces(["Bon", "jour"])
    hub.on("Busy?").fail("queue_full").times(2).reply("Not any more.")
    hub.on("Cut me off").fault("drop")

    with Client(url=hub.url, retry=Retry(tries=3, first_wait_s=0.01)) as client:
        print(client.generate("Hello", temperature=0))
        print(list(client.stream("Translate good day")))
        print(client.generate("Busy?"))
        try:
            client.generate("Cut me off")
        except ConnectionFailed as error:
            print(type(error).__name__)

    hub.journal.assert_called("Busy?", times=3)
    print(f"{len(hub.journal)} exchanges")
