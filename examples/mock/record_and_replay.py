"""Records what a live hub answers, here another mock hub, and replays it without it."""

import tempfile
from pathlib import Path

from mockserver import MockHub
from mockserver.recording import Live
from neuroengine import Client

QUESTION = "What do tomatoes need?"
rules = Path(tempfile.mkdtemp()) / "recorded.toml"

with MockHub(tls=False) as live, MockHub(tls=False, record=Live(live.url)) as between:
    with Client(url=between.url) as client:
        recorded = client.generate(QUESTION, temperature=0, max_new_len=12).text
    between.recorder.write(rules)

with MockHub(tls=False, rules=rules, strict=True) as hub, Client(url=hub.url) as client:
    replayed = client.generate(QUESTION, temperature=0, max_new_len=12).text

print(f"{replayed!r}, as recorded: {replayed == recorded}")
print(rules.read_text(encoding="utf-8").strip())
