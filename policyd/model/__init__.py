"""Frozen values that say what is true: call, facts, decision, policy. Standard library only."""
