"""Search: questions about the log, answered from sealed segments and the tail by DuckDB."""
