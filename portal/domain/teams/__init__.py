"""Who may compete together."""
