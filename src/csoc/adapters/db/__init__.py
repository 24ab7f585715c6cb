"""Records on SQLite and PostgreSQL: one description of tables, one way of writing."""
