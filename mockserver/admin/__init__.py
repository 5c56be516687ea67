"""The admin API of a running hub: HTTP and JSON on a loopback port of its own, for programs in other languages.

app      the ASGI application: reads a request, lets one at a time act, and writes the answer
guard    who may ask at all
routes   what can be asked, read from `spec/mock/admin.toml`
actions  what each route does to the hub
shapes   what the hub holds, as data of `spec/mock/admin.schema.json`
refusal  what is wrong with a request, in a sentence
"""
