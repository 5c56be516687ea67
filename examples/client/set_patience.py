"""Says how long to wait, and how often to try again."""

from neuroengine import Client, ConnectionFailed, Retry, Timeouts

patient = Client(
    "Neuroengine-Large",
    timeouts=Timeouts(connect_s=3, answer_s=30, piece_s=60, total_s=300),
    retry=Retry(tries=5, first_wait_s=1, longest_wait_s=20),
)
hasty = Client(
    "Neuroengine-Large",
    url="http://127.0.0.1:9",  # nobody listens there
    timeouts=Timeouts(total_s=10),
    retry=Retry(tries=1),  # the first failure is the last
)

with patient, hasty:
    print(patient.generate("What do tomatoes need?", temperature=0, max_new_len=12))
    try:
        hasty.generate("What do tomatoes need?")
    except ConnectionFailed as error:
        print(f"{type(error).__name__}, worth another try: {error.retryable}")
