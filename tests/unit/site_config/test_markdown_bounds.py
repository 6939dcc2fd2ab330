"""Which texts are more than a page can show."""

import pytest

from site_config.markdown_bounds import MAX_CELLS, MAX_CHARS, MAX_LINE_CHARS, MAX_LINES, excess_of


def rows(head: str, under: str, row: str, number: int) -> str:
    return f"{head}\n{under}\n" + f"{row}\n" * number


@pytest.mark.parametrize(
    ("text", "excess"),
    [
        pytest.param("x\n" * (MAX_CHARS // 2 + 1), "characters", id="characters"),
        pytest.param("a\n" * MAX_LINES, "lines", id="lines"),
        pytest.param("a" * (MAX_LINE_CHARS + 1), "a line of more", id="line"),
        pytest.param(("*" * 1000 + "\n") * 11, "marks", id="marks"),
        pytest.param("[" * 1001 + "\n" + "[" * 1000, "links", id="links"),
        pytest.param(rows("|a" * 70, "|-" * 70, "|x", 70), "cells", id="short rows"),
        pytest.param(rows("|a" * 70, "|-" * 70, "x", 70), "cells", id="rows without bars"),
        pytest.param(rows("> |a" * 70, "> " + "|-" * 70, "> x", 70), "cells", id="in a quotation"),
        pytest.param(rows("* |a" * 70, "  " + ":-:|" * 70, "  x", 70), "cells", id="in a list"),
        pytest.param("|a|b|\n|-|-|\nx\n\n" * 300 + "a|b\n-|-\n" + "x\n" * 3, "", id="many small"),
    ],
)
def test_a_text_is_refused_by_the_first_bound_that_it_exceeds(text: str, excess: str) -> None:
    assert excess in excess_of(text)
    assert bool(excess_of(text)) == bool(excess)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * MAX_LINE_CHARS,
        "a\n" * (MAX_LINES - 1),
        rows("|team|accuracy|", "|---|--:|", "|Ada|0.9|", 500),
        "---\n\n" * 1000,
        "* [a page](https://a.example/)\n" * 1000,
    ],
)
def test_usual_texts_are_within_all_bounds(text: str) -> None:
    assert excess_of(text) == ""


def test_cells_are_counted_up_to_the_end_of_their_table() -> None:
    table = rows("|a|b|c|d|", "|-|-|-|-|", "|x", MAX_CELLS // 8)

    assert excess_of(table + "\n" + "text\n" * 2000) == ""
    assert "cells" in excess_of(table + "\n" + table + "\n" + table)
