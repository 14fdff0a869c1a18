"""HTTP: parse, call a point, render. Decides nothing."""
