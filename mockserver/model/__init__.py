"""A simulated token-generating model: n-grams over a text of our own, and a real sampler chain.

It needs nothing but the standard library, and reads its text when the first reply is asked for.
"""

from mockserver.model.sampler import Sampling
from mockserver.model.simulated import SimulatedModel

__all__ = ["Sampling", "SimulatedModel"]
