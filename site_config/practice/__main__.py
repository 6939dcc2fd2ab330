"""`python -m site_config.practice` is the same as `sealrun practice`."""

from site_config.practice.commands import practice

practice(prog_name="sealrun practice")
