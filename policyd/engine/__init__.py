"""Deciding: pure functions of a snapshot, a call and facts. casbin is imported by one module."""
