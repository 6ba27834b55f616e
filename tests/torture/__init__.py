"""Each promise of docs/security.md as one test: a short form in CI, a long one after.

`make torture` runs the long forms. How many cases each form has stands at the top of
its module.
"""
