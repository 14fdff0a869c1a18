"""The command line: a client of the server, and the checks that need none."""
