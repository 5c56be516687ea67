"""The hub's state: everything a hub decides, without sockets, clocks or randomness.

hub               posts and provider bytes in, answers and frames out
exchanges         one post on its way through the hub
reception         what becomes of a post
admission         whether a post deserves a generation
behaviour         the points where hubs can differ
generations       a client's request, checked
allowed           what the spec allows in a value
whole_replies     requests for the whole reply
open_streams      the streams of a hub, opened and found again
streams           polls of one stream, each token delivered once
sources           where a stream's text comes from
services          who answers for a service, and its queue
service_settings  what an operator says about a service
jobs              one request for a provider
links             a provider's connection
framing           bytes of the provider link
answers           what a hub says to a client
messages          an answer as HTTP has it, and what a request gets that is no exchange
plan              what is to happen to an exchange besides its answer
circumstances     the standing faults, the pace, and who stands in for a missing provider
understudy        the simulated model as a provider
pacing            text in its time
delivery          an answer as steps on the wire
lane              steps on their way, each in its time
player            an exchange played to its client
crossing          what befalls a frame or an answer on the provider's link
limits            the limits, changed
json_text         strict JSON
timers            deadlines without a clock
"""
