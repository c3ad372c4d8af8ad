"""SQLAlchemy tables and constraints; no behaviour."""
