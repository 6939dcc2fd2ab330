"""The portal for programs: JSON over HTTP, opened by tokens."""
