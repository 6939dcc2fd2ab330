"""``python -m tools.docs``: write the pages that are made from the code."""

from tools.docs.pages import write_all

write_all()
