"""Asks the service that has the shortest queue."""

from neuroengine import Client

with Client() as client:
    ready = [model for model in client.models() if model.connected]
    best = min(ready, key=lambda model: model.queuelen)
    print(client.generate("What do tomatoes need?", service=best.name, max_new_len=24))
