"""What an auditor needs to check a policyd ledger: formats and verifier, nothing of the server.

Read it in this order: `tree` (hashing), `note` and `checkpoint` (what is signed), `record` (what
is recorded), `ledger_file` (where it lies), `verify` (how it is checked), `cli`. It uses the
Python standard library only and never imports policyd; the server's writer imports this.
"""
