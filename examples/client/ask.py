"""Asks for a whole reply."""

from neuroengine import Client

with Client("Neuroengine-Large") as client:
    reply = client.generate("What do tomatoes need?", temperature=0.7, max_new_len=64)
    print(reply.text)
