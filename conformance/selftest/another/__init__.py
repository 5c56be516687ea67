"""A hub in another style than the mock hub's, which may differ in every way that the protocol allows.

requests  what a request says
hub       the HTTP side, answered by a model of dice
counter   where requests wait for a provider
line      the connections of providers
provided  the same hub, answered by what its provider says
"""
