"""The steps of a pass, each on things that do not depend on each other."""
