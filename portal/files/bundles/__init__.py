"""Bundles of challenges that come through the web, laid out to be looked at before anything of them is kept."""
