"""Database: the DuckDB of a search process; imported nowhere else but there."""
