"""The registry: keys and their holders, in an SQLite file of its own."""
