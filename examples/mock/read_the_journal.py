"""Asks the journal of a mock hub what happened there."""

from mockserver import MockHub
from neuroengine import Client

with MockHub(tls=False) as hub, Client(url=hub.url) as client:
    hub.on("Hello").fail("queue_full").once().reply("Hi!")
    client.generate("Hello")
    list(client.stream("Count", max_new_len=4, gettokens=2))

    hub.journal.assert_called("Hello", times=2)
    hub.journal.assert_not_called("Goodbye")
    hub.journal.assert_order(["Hello", "Count"])
    print([entry.code for entry in hub.journal.find("Hello")])
    print([entry.poll for entry in hub.journal.find("Count")])
    print(hub.journal.last.request["max_new_len"], hub.journal.last.reply == "")
    print(hub.journal[0])
