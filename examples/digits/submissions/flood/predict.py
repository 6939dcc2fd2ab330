"""Fills the output with 64 MiB beside valid predictions, in one file after another."""

import os
from pathlib import Path

import answers

answers.write()
for number in range(4):
    try:
        Path(os.environ["SEALRUN_OUTPUT"], f"ballast-{number}.bin").write_bytes(bytes(16 * 1024**2))
    except OSError as error:
        print(f"file {number}: errno {error.errno}")
