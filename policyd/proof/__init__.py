"""Proof: what one snapshot allows that another does not, decided for every call at once."""
