"""Reads a reply in pieces: every call with the same stream key is the next piece, and the empty piece is the end."""

import secrets

from neuroengine import Neuroengine

api = Neuroengine("Neuroengine-Large")
key = secrets.token_urlsafe(32)
while piece := api.request("Hello!", gettokens=5, streamkey=key):
    print(piece, end="", flush=True)
print()
