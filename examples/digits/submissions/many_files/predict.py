"""Writes 200 empty files beside valid predictions: few bytes, too many names."""

import os
from pathlib import Path

import answers

answers.write()
for number in range(200):
    try:
        Path(os.environ["SEALRUN_OUTPUT"], f"empty-{number:03}").touch()
    except OSError as error:
        print(f"file {number}: errno {error.errno}")
        break
