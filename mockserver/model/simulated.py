"""The simulated model: a prompt in, the tokens of a reply out, one by one.

The model has learned the station handbook in `corpus.txt`, a text written for this project. What a prompt changes:

- its last tokens are the first context: a raw prompt is continued, any other is closed like a paragraph and answered
  with a new one;
- its words count as used for the repetition penalty;
- it gives every token a small bias of its own, so that another prompt gets another reply even without chance;
- it seeds the draws, together with the seed.

The end of a paragraph ends the reply. Nothing is read before the first reply; the trained model is kept for the
process.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256, shake_256
from importlib import resources
from typing import Final

from mockserver.model.ngram import NGram
from mockserver.model.sampler import Sampler, Sampling
from mockserver.model.tokenizer import END, Tokenizer

PRE_PROMPT: Final = "You are the keeper of a station on the coast. Answer with one paragraph of your handbook.\n\n"
"""What the model reads before a prompt that is not raw."""

# A paragraph of two sentences is too short for an answer: before this many tokens a reply does not end by itself.
_SHORTEST_REPLY: Final = 48


class SimulatedModel:
    """A small language model that answers at once, the same on every platform."""

    def tokens(self, prompt: str, sampling: Sampling) -> Iterator[str]:
        """The reply to `prompt`, token by token, each worked out when it is asked for.

        A token is 1 to 16 whole characters; the concatenation of all is the reply. There are at most
        `sampling.max_new_len` of them (NE-REQ-034), fewer when the reply ends by itself.
        """
        tokenizer, ngram = _trained()
        reading = prompt if sampling.raw else PRE_PROMPT + prompt
        read = tokenizer.encode(reading)
        reading_bytes = reading.encode("utf-8", "surrogatepass")
        sampler = Sampler(
            sampling,
            prompt=read,
            bias=shake_256(reading_bytes).digest(len(tokenizer)),
            entropy=sha256(b"%d %d " % (sampling.seed, sampling.raw) + reading_bytes).digest(),
        )
        older, newer = [END, END, *read][-2:] if sampling.raw else (read[-1], END)
        for length in range(sampling.max_new_len):
            candidates = ngram.candidates((older, newer), without=END if length < _SHORTEST_REPLY else None)
            token = sampler.pick(candidates)
            if token == END:
                return
            older, newer = newer, token
            yield tokenizer.text(token)


@cache
def _trained() -> tuple[Tokenizer, NGram]:
    corpus = resources.files(__package__).joinpath("corpus.txt").read_text(encoding="utf-8")
    paragraphs = [" ".join(paragraph.split()) for paragraph in corpus.split("\n\n")]
    tokenizer = Tokenizer("\n".join(paragraphs))
    tokens = [END]
    for paragraph in paragraphs:
        tokens += [*tokenizer.encode(paragraph), END]
    return tokenizer, NGram(tokens)
