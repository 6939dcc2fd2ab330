"""What a test needs of the machine, and what happens where it is missing."""

import os

import pytest


def required(what: str, present: bool) -> None:
    """Skip, saying so, where something is missing; fail where nothing may be left out."""
    if present:
        return
    if os.environ.get("CI") or os.environ.get("SEALRUN_REQUIRE_ALL"):
        pytest.fail(f"{what} is missing, and here nothing may be left out")
    pytest.skip(f"LEFT OUT: {what} is missing")
