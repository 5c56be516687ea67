"""The protocol without input and output: what to send, what an answer means, when to try again.

Laws of this package: it reads no clock, no random source and no socket; whoever drives it passes the time and the keys
in.
"""
