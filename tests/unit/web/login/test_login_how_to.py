"""The examples of the page about logins are right, and what it says of reasons is complete."""

import re
from pathlib import Path

import pytest
import yaml

from portal.domain.accounts.provider_claims import ALIASES
from portal.web.login.failures import WORDS
from portal.web.login.oidc_tokens import KINDS, REASONS
from site_config.site_loader import load_site
from tests.unit.site_config.good_files import SITE

PAGE = Path(__file__).resolve().parents[4] / "docs/how-to/set-up-login.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)
SOURCES = (
    "attempts", "failures", "refusals", "oidc", "oidc_client", "oidc_discovery",
    "oidc_tokens", "oauth_hub",
)  # fmt: skip


def test_there_is_an_example_for_each_kind_of_provider() -> None:
    profiles = [
        provider.get("profile", "oidc")
        for example in EXAMPLES
        for provider in yaml.safe_load(example)["login"].get("providers", [])
    ]

    assert profiles == ["keycloak", "cilogon", "shibboleth", "entra", "jupyterhub", "oidc"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_taken_by_a_site(example: str, tmp_path: Path) -> None:
    site = yaml.safe_load(SITE) | yaml.safe_load(example)
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(site))

    login = load_site(file).login

    assert login.providers or login.require or login.terms


def test_every_own_name_is_explained() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE))

    assert ALIASES.keys() - {"name"} <= rows


def test_the_table_of_reasons_is_complete() -> None:
    table = TEXT.partition("| reason |")[2]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    web = PAGE.parents[2] / "portal/web/login"
    code = "".join((web / f"{name}.py").read_text("utf-8") for name in SOURCES)
    made = set(re.findall(r'LoginError\(\s*"(\w+)"', code))
    made |= {reason for _, reason in KINDS} | {*REASONS.values()} | WORDS.keys()
    made |= {"refused", "logout_again", "blocked", "login_of_somebody_else"}

    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(made)
