"""Proof: what one snapshot allows that another does not, decided for every call at once.

`proving.compare` and the questions of `promises` are what others ask; the rest is how.
"""
