"""Asks a shared LLM."""

from neuroengine import Client

with Client() as client:
    print(client.generate("What do tomatoes need?", temperature=0, max_new_len=12))
