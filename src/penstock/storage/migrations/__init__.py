"""The database's history: Alembic's environment and one revision per change of the schema."""
