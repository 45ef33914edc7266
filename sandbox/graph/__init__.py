"""The rooms behind `sandbox.graph_api`, in the order a request walks through them.

`server` takes the bytes, `access` checks version, token and dataset, `faults` misbehaves when told
to, `body` and `rules` refuse what Meta refuses, `books` deduplicates and remembers; `companions`
answers the reading endpoints and `control` everything under `/_sandbox/`.
"""
