"""The form of a submission: what is asked, and what teams have answered."""
