"""Reviewing policy: what a tree does, found out from files alone."""
