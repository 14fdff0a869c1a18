"""How Hypothesis searches: the same examples every time, unless asked to explore.

`./run test tests/properties --hypothesis-profile explore` looks further, and differently each time.
"""

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile("ci")
