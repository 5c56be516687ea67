"""The checks: a file an area of the protocol, each check bound to the requirement that it judges."""
