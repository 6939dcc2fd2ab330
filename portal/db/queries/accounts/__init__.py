"""People, their accounts and their sessions."""
