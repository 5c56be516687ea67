"""The hub's HTTP door on the wire: HTTP/1.1, parsed by httptools, for an application of one route.

door        who answers at a port, and who is there
connection  one client's connection: requests in their order, and when it ends
reader      what comes on it, as requests
turn        one request and its answer
flow        when a client's bytes are held back, and when an answer waits for its reader
"""
