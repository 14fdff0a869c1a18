"""What an auditor needs to check a policyd log: formats and verifier, nothing of the server.

Read it in this order: `tree` and `proof` (hashing), `note`, `checkpoint` and `cosignature` (what
is signed), `record` (what is recorded), `layout`, `receipt` and `succession` (what is handed out),
`ledger_file`, `sources` and `tiled_log` (where it lies), `walk`, `verify` and `verify_log` (how it
is checked), `export` and `exported` (what was taken out of it), `commands` and `cli`. It uses the
Python standard library only and never imports policyd; the server's writer imports this.
"""
