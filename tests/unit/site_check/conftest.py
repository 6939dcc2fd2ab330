from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal import bootstrap
from portal.site_check.target import Subject
from tests.unit.site_check.subjects import SITE, MakeSubject


@pytest.fixture
def make_subject(tmp_path: Path) -> MakeSubject:
    """Return what makes a site of ``subjects.SITE``, with some sections replaced."""

    def make(**sections: Any) -> Subject:
        file = tmp_path / "site.yaml"
        file.write_text(yaml.safe_dump(SITE | sections, sort_keys=False), encoding="utf-8")
        settings = bootstrap.read_settings(file)
        return Subject(
            file=file,
            settings=settings,
            cluster_name="main",
            profiles=tuple(bootstrap.profile_of(settings, name) for name in settings.profiles),
            all_profiles=tuple(bootstrap.profile_of(settings, name) for name in settings.profiles),
            build_profile=bootstrap.profile_of(settings, "build"),
            adapters=bootstrap.check_adapters(),
            clock=lambda: datetime(2026, 11, 25, tzinfo=UTC),
        )

    return make


@pytest.fixture
def subject(make_subject: MakeSubject) -> Subject:
    return make_subject()
