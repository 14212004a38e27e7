"""A simulated month: the lab's network on a clock that nobody waits for, swept and ticketed by the product's own functions.

network    the routers and tunnels
script     what happens to them, seeded; and the truth about it
drive      run after run: visit, judge, remember, tell the tracker
tracker    the tracker, which remembers what it was told
verdict    what was told against the truth: the figures and the table

`make month` runs it whole and prints the table; `make test` runs two days of a smaller network.
"""
