"""Every word that Slurm's libraries have for why a job waits."""

from pathlib import Path

WORDS = (Path(__file__).parent / "reason_words.txt").read_text().splitlines()
"""From libslurmfull of 22.05, 24.11 and 26.05, and slurmctld's sentences for what it holds."""
BLUE_GENE = {"BlockFreeAction", "BlockMaxError"}
