"""Teams that want to be taken for another: by the team's name, and by the name of a person that a team follows."""

import pytest
from sqlalchemy import select

from portal.db.tables import Team
from tests.support.web.site import Site

pytestmark = pytest.mark.attack(71)

ALIKE = {
    "another script": "\u0422eam \u0410da",
    "all of another script where it can be": "\u03a4\u0395\u0391\u039c \u0391da",
    "width": "\uff34eam Ada",
    "invisible": "Team\u200b Ad\u034fa\ufe0f",
    "blank letters": "Team Ada\u3164",
    "case": "TEAM ada",
    "blanks": "Team  \u2003Ada",
    "one letter for two": "Tearn Ada",
}


def names(site: Site) -> list[str]:
    with site.context.database.reading() as session:
        return list(session.scalars(select(Team.name).order_by(Team.name)))


@pytest.mark.parametrize("name", ALIKE.values(), ids=ALIKE)
def test_no_team_can_be_renamed_to_what_looks_like_another(site: Site, name: str) -> None:
    answer = site.browser(site.eve).post("/challenges/digits/team/rename", data={"name": name})

    assert answer.status_code == 422
    assert "or one that looks like it. Choose a name that" in answer.text
    assert names(site) == ["Team Ada", "Team Eve"]


@pytest.mark.parametrize("name", ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("field", ["display_name", "pseudonym"])
def test_a_team_that_follows_a_persons_name_gets_a_number(
    site: Site, field: str, name: str
) -> None:
    browser = site.browser(site.newcomer)
    browser.post("/challenges/digits/join")
    shown_as = "pseudonym" if field == "pseudonym" else "name"
    fields = {"display_name": "", "pseudonym": "nn", "shown_as": shown_as} | {field: name}

    browser.post("/account/names", data=fields)
    submitted = {"phase": "dev", "kind": "results", "note": ""}
    browser.post("/challenges/digits/submit", data=submitted, files={"file": ("a.csv", b"x")})

    assert len(names(site)) == 3
    assert len([one for one in names(site) if one.endswith(" (2)")]) == 1


def test_the_own_name_can_be_kept_and_written_otherwise(site: Site) -> None:
    browser = site.browser(site.eve)

    kept, changed = (
        browser.post("/challenges/digits/team/rename", data={"name": name})
        for name in ("Team Eve", "TEAM EVE")
    )

    assert (kept.status_code, changed.status_code) == (303, 303)
    assert names(site) == ["TEAM EVE", "Team Ada"]
