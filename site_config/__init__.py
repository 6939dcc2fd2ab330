"""What a sysadmin sets: the model of site.yaml, its loader, and the practice site."""
