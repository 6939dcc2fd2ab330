"""Accounts: login, identities, sessions, tokens, and a person's own data."""
