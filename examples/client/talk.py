"""Holds a conversation: the turns so far go into each prompt."""

from neuroengine import Client, Conversation

talk = Conversation(system="You are a gardener. Answer in one sentence.")

with Client("Neuroengine-Large") as client:
    for question in ("What do tomatoes need?", "And when it rains?"):
        reply = client.generate(talk.prompt(question), temperature=0, max_new_len=24)
        turn = talk.add(question, reply.text)
        print(f"{turn.question} {turn.reply!r}")
