"""Scores: rounding and order, the Ladder, and how much they could leak."""
