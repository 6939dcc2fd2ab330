"""Teams and participants, and signals of abuse among them."""
