"""Writes its own score file beside poor predictions; only the scorer's may count."""

import os
from pathlib import Path

import answers

answers.write()
forged = '{"accuracy": 1.0, "macro_f1": 1.0, "brier": 0.0}\n'
for name in ("scores.json", "score.json"):
    Path(os.environ["SEALRUN_OUTPUT"], name).write_text(forged, "ascii")
