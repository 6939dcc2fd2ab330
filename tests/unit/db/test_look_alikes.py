"""Which names are taken for each other, and which are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.db.look_alikes import skeleton_of


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("paypal", "\u0440\u0430ypal", id="mixed scripts"),
        pytest.param("coco", "\u0441\u043e\u0441\u043e", id="all of another script"),
        pytest.param("BOB", "\u0412\u041e\u0412", id="capitals of another script"),
        pytest.param("Team Ada", "\u03a4\u0395\u0410M \u0391da", id="three scripts"),
        pytest.param("Ada", "ADA", id="case"),
        pytest.param("Ada", "\uff21\uff44\uff41", id="width"),
        pytest.param("Ada", "\U0001d400\U0001d41d\U0001d41a", id="bold"),
        pytest.param("Ada", "A\u200bd\u2060a\ufeff", id="nothing to be seen"),
        pytest.param("Ada", "A\u034fd\ufe0fa\U000e0101", id="joiners and selectors"),
        pytest.param("Ada", "\u202eAda\u202c", id="other direction"),
        pytest.param("Ada", "Ada\u3164\u2800\u115f", id="letters that are blank"),
        pytest.param("Team Ada", "Team\u00a0\u2003Ada", id="blanks"),
        pytest.param("Team Ada", "TeamAda", id="no blank"),
        pytest.param("Ill1", "l1lI", id="strokes"),
        pytest.param("Modern", "Modem", id="two letters like one"),
        pytest.param("b00m", "boom", id="nought"),
        pytest.param("Vlas\u00e1k", "Vlasa\u0301k", id="accent apart"),
        pytest.param("\ufb01x", "fix", id="ligature"),
    ],
)
def test_names_that_look_the_same_have_one_skeleton(name: str, other: str) -> None:
    assert skeleton_of(name) == skeleton_of(other)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ada", "Ade"),
        ("Ada", "Adda"),
        ("Team 2", "Team 3"),
        ("Team (2)", "Team (3)"),
        ("Vlas\u00e1k", "Vlasak"),
        ("\u0410\u0434\u0430", "Ada"),
        ("\u592a\u90ce", "\u4e8c\u90ce"),
    ],
)
def test_names_that_differ_have_two(name: str, other: str) -> None:
    assert skeleton_of(name) != skeleton_of(other)


@given(st.text(max_size=200))
def test_every_name_has_a_skeleton_without_blanks_that_is_not_long(name: str) -> None:
    skeleton = skeleton_of(name)

    assert len(skeleton) <= 1000
    assert not any(character.isspace() for character in skeleton)
