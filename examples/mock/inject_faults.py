"""Lets things go wrong at a mock hub: by chance, and once at a chosen place."""

from mockserver import MockHub
from neuroengine import Client, ConnectionFailed, Retry

with MockHub(tls=False) as hub, Client(url=hub.url, retry=Retry(tries=1)) as client:
    # One exchange in five is cut off by a reset, the same ones for the same seed.
    reset = hub.faults.add("reset", rate=0.2, seed=1)
    replies = 0
    for number in range(10):
        try:
            client.generate(f"Question {number}", max_new_len=4)
            replies += 1
        except ConnectionFailed:
            pass
    print(f"{replies} replies, {reset.befallen} resets")
    reset.remove()

    # The answer to this one prompt ends in the middle, and only once.
    hub.on("Half").fault("drop_midway", fraction=0.5).once().reply(
        "And now the whole of it."
    )
    try:
        client.generate("Half")
    except ConnectionFailed as error:
        print(f"{type(error).__name__}, worth another try: {error.retryable}")
    print(client.generate("Half"))
    print([entry.faults for entry in hub.journal.find("Half")])
