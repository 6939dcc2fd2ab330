"""The processes of a site: how they start, log and are supervised."""
