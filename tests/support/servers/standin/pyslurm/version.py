__version__ = "25.11.2"
