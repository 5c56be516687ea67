"""Measured comparisons: what is true of speed, memory and endurance.

Laws:

- A figure is a ratio to something real that was measured in the same run on the same machine, or stands beside one.
- Contestants take turns: every round runs each of them once, and every round begins with another one.
- A row says its median, its spread from the least to the most, how many rounds there were, and how busy it was.
- Where a peer is missing its row says so; it is never left out in silence.

measure     turns, ratios, rows
machine     what the figures were measured on, and with which versions
process     a program in a process of its own, and what it takes of the machine
hub_process a mock hub in one
load        requests a second, by wrk
plain_http  a client by hand that costs little
endurance   scenes at full size that tests play small
soak        a hub under everything at once, with its ledger
stopwatch   what a test takes of the processor, as a plugin of pytest
peers/      those we are measured against
rows/       what is measured, one module an item
results     the rows as JSON
fit         how something grows
table       the rows as a page of the documentation
plot        curves as SVG

`python -m benchmarks` runs it; `nox -s bench` installs the peers before.
"""
