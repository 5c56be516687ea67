"""Sets every sampling field of the published client class, by keyword."""

from neuroengine import Neuroengine

api = Neuroengine("Neuroengine-Large")
print(
    api.request(
        "Hello!",
        temperature=0.7,
        top_p=0.95,
        top_k=20,
        repetition_penalty=1.1,
        max_new_len=24,
        seed=42,
        raw=False,
        tries=2,
    )
)
