"""Submissions: submitting, cancelling, disclosing, and what goes with them."""
