"""Scripts a running mock hub: `neuroengine mock --no-tls --admin` says where it is, and where its admin API is."""

import os

import httpx

HUB, ADMIN = os.environ["NEUROENGINE_URL"], os.environ["ADMIN"]

added = httpx.post(f"{ADMIN}/rules", json={"name": "greeting", "when": {"message": "Hello"}, "then": "Hi!"}).json()
print("added:", added["rules"][0]["criteria"])

answer = httpx.post(f"{HUB}/Neuroengine-Large", json={"message": "Hello"}).json()
print("the hub says:", answer["reply"])

for entry in httpx.get(f"{ADMIN}/journal", params={"message": "Hello"}).json()["entries"]:
    print(f"in the journal: {entry['service']}, rule {entry['rule']}")

print("rules after the reset:", httpx.post(f"{ADMIN}/reset").json()["rules"])
