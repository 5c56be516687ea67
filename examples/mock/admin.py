"""Scripts a running mock hub: ADMIN is where its admin API is."""

import os

import httpx

HUB, ADMIN = os.environ["NEUROENGINE_URL"], os.environ["ADMIN"]

rule = {"name": "greeting", "when": {"message": "Hello"}, "then": "Hi!"}
added = httpx.post(f"{ADMIN}/rules", json=rule).json()
print("added:", added["rules"][0]["criteria"])

answer = httpx.post(f"{HUB}/Neuroengine-Large", json={"message": "Hello"}).json()
print("the hub says:", answer["reply"])

for entry in httpx.get(f"{ADMIN}/journal", params={"message": "Hello"}).json()["entries"]:
    print(f"in the journal: {entry['service']}, rule {entry['rule']}")

print("rules after the reset:", httpx.post(f"{ADMIN}/reset").json()["rules"])
