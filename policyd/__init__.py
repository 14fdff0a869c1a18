"""policyd: the place a company asks before data moves."""

__version__ = "0.1.0"
