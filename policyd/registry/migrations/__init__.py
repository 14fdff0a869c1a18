"""Steps from each version of the registry to the next, run by Alembic."""
