"""Postgres: connections and what its failures mean."""
