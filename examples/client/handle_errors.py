"""Tells the failures apart that a program may want to handle."""

from neuroengine import Client, ConnectionFailed, HubError, InvalidField
from neuroengine.errors import UnknownServiceError

with Client("No-Such-Service") as client:
    try:
        client.generate("Hello!", top_p=2)
    except InvalidField as error:
        print(f"{error.field} is wrong, and nothing was sent: {error.rule}")
    try:
        client.generate("Hello!")
    except UnknownServiceError as error:
        print(f"{error.name}: {error.fix}")
        print(f"See {error.doc_url}")
    except HubError as error:
        print(f"The hub says: {error.sentence} (worth another try: {error.retryable})")
    except ConnectionFailed as error:
        print(f"No answer: {error}")
