"""Asks a service that wants an access key, which comes from the environment."""

from neuroengine import Client
from neuroengine.errors import UnauthorizedError

with Client("Members-Only") as member:  # reads NEUROENGINE_KEY
    print(member.generate("What do tomatoes need?", temperature=0, max_new_len=12))

with Client("Members-Only", access_key="not-the-key") as stranger:
    try:
        stranger.generate("What do tomatoes need?")
    except UnauthorizedError as error:
        print(f"{error.name}: {error.fix}")
