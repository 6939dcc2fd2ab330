"""Strict readers and writers of archives."""
