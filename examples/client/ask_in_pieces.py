"""Shows a reply while the model writes it."""

from neuroengine import Client, StreamGap

with Client("Neuroengine-Large") as client:
    with client.stream("What do tomatoes need?", gettokens=5) as pieces:
        try:
            for piece in pieces:
                print(piece, end="", flush=True)
        except StreamGap as gap:
            print(f"\nAn answer was lost. This much is sure: {gap.text!r}")
    print()
