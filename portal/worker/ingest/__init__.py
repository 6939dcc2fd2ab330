"""What an attempt has left: fetched, checked, sealed and stored."""
