import pytest

from portal.domain.errors import NotFoundError
from portal.domain.leaderboards.scores import Column, Sort
from portal.domain.leaderboards.sorting import read_sort

COLUMNS = [Column(key="f1", title="F1"), Column(key="loss", title="Loss", sort=Sort.ASCENDING)]


@pytest.mark.parametrize(
    ("written", "aria", "again"),
    [
        ("f1", "descending", "-f1"),
        ("-f1", "ascending", "f1"),
        ("loss", "ascending", "-loss"),
        ("-loss", "descending", "loss"),
        ("@team", "ascending", "-@team"),
        ("-@submitted", "descending", "@submitted"),
    ],
)
def test_a_score_begins_with_its_good_end_until_it_is_turned_round(written, aria, again) -> None:
    sort = read_sort(written, COLUMNS)

    assert (str(sort), sort.aria, sort.next_of(sort.key)) == (written, aria, again)
    assert sort.next_of("other") == "other"


def test_without_a_word_it_is_sorted_as_it_ranks() -> None:
    assert read_sort("", COLUMNS) is None


@pytest.mark.parametrize("written", ["holdout", "-", "--f1", "@rank", "f1 ", "F1", "\0"])
def test_nothing_else_can_be_sorted_by(written) -> None:
    with pytest.raises(NotFoundError):
        read_sort(written, COLUMNS)
