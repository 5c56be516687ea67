"""The suite under judgement: hubs whose verdict is known beforehand, and whether it comes to that verdict.

hubs     what a known hub is: wrong, right, right in its own way, or none at all
matrix   judges them one after another, and keeps what it found in a file, so that it can go on later
"""
