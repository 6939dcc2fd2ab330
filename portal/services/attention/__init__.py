"""What needs a person: listed with its reason, decided on by staff and organisers, settled by a worker."""
