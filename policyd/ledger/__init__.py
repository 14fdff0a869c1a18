"""The ledger: the only writer of the log, and its reader.

Read it in this order: `stamp`, `record` and `decision_record` (what is recorded), `store` and
`recovery` (how a batch becomes durable, and is found again), `writer` (the process that alone has
a store), `frames` (how it is spoken to), `ledger` (the server's side of it), `reader` (looking
records up), `folder` and `signing` (where all of it lies, and its keys), `trouble` (what goes
wrong, in an operator's words).
"""
