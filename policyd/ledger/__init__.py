"""The ledger: the only writer of the log, and its reader.

Read it in this order: `stamp` and `record` (what is recorded), `store` (how a batch becomes
durable), `writer` (the process that alone has a store), `ledger` (the server's side of it),
`reader` (looking records up), `folder` (where all of it lies).
"""
