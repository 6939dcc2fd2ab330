"""The table of faults in the reference names all that the suite breaks."""

from tests.faults.table import PAGE, wanted, written


def test_every_fault_has_a_row_for_every_moment() -> None:
    rows = written(PAGE.read_text(encoding="utf-8"))

    assert rows == wanted()
