"""Ends with an exit code of its own after writing valid predictions: they must not count."""

import sys

import answers

answers.write()
print("this program gives up on purpose", file=sys.stderr)
sys.exit(3)
