"""What a challenge offers and asks for: phases, profiles, approved tasks, exports."""
