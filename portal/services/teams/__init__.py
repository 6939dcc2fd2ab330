"""Teams: creation, membership, invitations, mergers, and who takes part."""
