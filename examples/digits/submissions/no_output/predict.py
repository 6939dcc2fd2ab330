"""Ends well without the file that was asked for; writes another one instead."""

import os
from pathlib import Path

Path(os.environ["SEALRUN_OUTPUT"], "prediction.csv").write_text("id,digit,confidence\n", "ascii")
