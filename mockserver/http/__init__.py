"""The hub's HTTP door on the wire: HTTP/1.1, parsed by httptools, for an application of one route.

port        listens, and knows the connections that are open
connection  one client's connection: what comes, in which order, and when it ends
turn        one request on its way, and its answer
flow        when a client's bytes are held back, and when an answer waits for its reader
"""
