"""What the practice site needs of this machine: accounts, namespaces, networks, locks."""
