"""Records a live hub: what it answered becomes rules that answer so without it.

    with MockHub(record=Live("https://api.neuroengine.ai")) as hub:
        ...  # the app asks hub.url
    hub.recorder.write("recorded.json")

live      where the live hub is, and how it is asked
app       the server's side: passes every POST on
recorder  turns exchanges into rules; it knows no network and no clock
takes     one request and everything that was answered to it
"""

from mockserver.recording.live import Live
from mockserver.recording.recorder import Recorder

__all__ = ["Live", "Recorder"]
