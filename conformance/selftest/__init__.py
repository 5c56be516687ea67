"""The suite under judgement: hubs whose verdict is known beforehand, and whether it comes to that verdict.

hubs       what a known hub is: wrong, right, right in its own way, or none at all
null_hubs  those that serve nobody
variants   those that differ in what the protocol leaves open
another/   the hub that the variants are made of
matrix     judges them one by one, and keeps what it found in a file, so that it can go on later
findings   what that says of the suite: counts, and the page that shows them
"""
