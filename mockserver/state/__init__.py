"""The hub's state: everything a hub decides, without sockets, clocks or randomness.

hub          posts and provider bytes in, answers and frames out
exchanges    one post on its way through the hub
behaviour    the points where hubs can differ
generations  a client's request, checked
open_streams the streams of a hub, opened and found again
streams      polls of one stream, each token delivered once
sources      where a stream's text comes from
services     who answers for a service, and its queue
links        a provider's connection
framing      bytes of the provider link
answers      what a hub says to a client
plan         what is to happen to an exchange besides its answer
delivery     an answer as steps on the wire
json_text    strict JSON
timers       deadlines without a clock
"""
