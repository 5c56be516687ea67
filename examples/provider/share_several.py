"""Shares two LLMs from one program, tells their states, and leaves gracefully."""

import signal

from neuroengine import Provider, ProviderFailure, Request, StateChange


def tell(change: StateChange) -> None:
    """Prints each step of a service's stay at the hub."""
    print(f"{change.service} is {change.state.value}", flush=True)


provider = Provider(on_state=tell)


@provider.service("MYGPT", key="DEMOKEY")
def shout(request: Request) -> str:
    """Answers in capital letters."""
    return request.message.upper()


@provider.service("MYOTHERGPT", key="OTHERKEY")
def refuse(request: Request) -> str:
    """Tells its client why there is no reply."""
    sentence = f"This model is on holiday and cannot say a word on {request.message!r}."
    raise ProviderFailure(sentence, code=100)


signal.signal(signal.SIGTERM, lambda *_: provider.stop())
provider.serve_forever()
