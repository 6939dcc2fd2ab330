import pytest

from portal.domain.evaluations.shares import Spent
from portal.services.site.gpu_budgets import Budget
from portal.web.rendering.bars import LEFT, RIGHT, WIDTH, budget_bars, hours


def budget(title: str, used: float, reserved: float, limit: float | None) -> Budget:
    return Budget(title=title, spent=Spent(used=used, reserved=reserved), limit=limit)


def test_bars_follow_each_other_on_a_scale_of_round_numbers() -> None:
    bars = budget_bars([budget("One", 10, 5, 20), budget("Two", 0, 0, None)])

    assert bars is not None
    one, two = bars.rows
    scale = (WIDTH - LEFT - RIGHT) / 20
    assert [tick.text for tick in bars.ticks] == ["0", "5", "10", "15", "20"]
    assert (one.used, one.reserved_from, one.reserved) == (
        round(10 * scale, 1),
        round(LEFT + 10 * scale, 1),
        round(5 * scale, 1),
    )
    assert one.limit == pytest.approx(LEFT + 20 * scale, abs=0.1)
    assert (two.used, two.reserved, two.limit) == (0, 0, None)


@pytest.mark.parametrize("budgets", [[], [budget("One", 0, 0, None)]])
def test_where_nothing_is_used_or_limited_nothing_is_drawn(budgets: list[Budget]) -> None:
    assert budget_bars(budgets) is None


def test_the_scale_has_numbers_that_people_read() -> None:
    bars = budget_bars([budget("One", 0.001, 0, None)])

    assert bars is not None
    assert [tick.text for tick in bars.ticks] == ["0", "0.02", "0.04", "0.06", "0.08", "0.1"]


def test_a_long_name_is_cut_beside_its_bar_and_whole_in_its_title() -> None:
    name = "A team with a name that goes on and on"

    bars = budget_bars([budget(name, 1, 0, None)])

    assert bars is not None
    assert bars.rows[0].name == "A team with a name that g…"
    assert bars.rows[0].summary.startswith(f"{name}: 1.0 used")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0.0"),
        (0.04, "under 0.1"),
        (0.05, "0.1"),
        (99.96, "100.0"),
        (100, "100"),
        (12345, "12,345"),
    ],
)
def test_hours_are_written_as_people_compare_them(number: float, text: str) -> None:
    assert hours(number) == text
