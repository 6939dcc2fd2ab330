"""``python -m tools.docs``: write the pages, and the tables in pages, that are made from the code."""

from tools.docs.pages import write_all

write_all()
