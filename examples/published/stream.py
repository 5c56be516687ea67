"""Reads a reply in pieces: a key names the stream, and the empty piece is its end."""

import secrets

from neuroengine import Neuroengine

api = Neuroengine("Neuroengine-Large")
key = secrets.token_urlsafe(32)
while piece := api.request("Hello!", gettokens=5, streamkey=key):
    print(piece, end="", flush=True)
print()
