"""What staff and organisers may decide about what needs a person."""
