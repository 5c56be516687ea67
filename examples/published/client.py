"""Asks a shared LLM for a reply, through the published client class."""

from neuroengine import Neuroengine

api = Neuroengine(service_name="Neuroengine-Large")
reply = api.request("Hello!")
print(reply)
