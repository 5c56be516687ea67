"""Lets a reply come as slowly as a real model's, and waits for none of it."""

from mockserver import Clock, MockHub, Pace
from neuroengine import Client

clock = Clock.leaping()
hub = MockHub(clock=clock, pace=Pace(first_token_s=2.0, tokens_per_s=10))

with Client(transport=hub.transport(), clock=clock.time, sleep=clock.sleep) as client:
    for piece in client.stream("What do tomatoes need?", temperature=0, max_new_len=12):
        print(f"{clock.time():.1f} s {piece!r}")
