"""Ingest: facts about entries, messages and contacts, merged into rows in any order."""
