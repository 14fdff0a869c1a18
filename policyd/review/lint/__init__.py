"""Lint: what is allowed to be written, and should not be.

`registry.RULES` is the one list of rules, `running.lint` runs them.
"""
