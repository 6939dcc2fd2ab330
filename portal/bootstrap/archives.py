"""Writing a challenge as pages that need no portal."""

from pathlib import Path

from portal.bootstrap.secrets import publisher_of
from portal.bootstrap.site import Installation, operator
from portal.domain.errors import OperatorError
from portal.files.atomic import become, beside
from portal.files.crates import write_crate
from portal.services.challenges.archives import facts
from portal.services.challenges.archives.facts import ArchiveFacts
from portal.web.rendering.archives import files_of


def archive_challenge(site: Installation, slug: str, target: Path) -> ArchiveFacts:
    """Write all that everybody sees of a challenge into a directory, which appears whole or not at all.

    Raises ``NotFoundError`` for a challenge that not everybody sees, and ``OperatorError`` where something is there
    already or the directory cannot be made.
    """
    if target.exists() or target.is_symlink():
        raise OperatorError(f"{target} is there already, and is not replaced")
    if not target.absolute().parent.is_dir():
        raise OperatorError(f"there is no directory {target.absolute().parent}")
    now = site.clock()
    with site.database.writing() as session:
        found = facts.facts_of(session, actor=operator(), slug=slug, now=now)
    about = site.settings.site
    with beside(target.absolute()) as part:
        made = part / "archive"
        made.mkdir(mode=0o755)
        for name, text in files_of(found, site_name=about.name, site_url=about.url.rstrip("/")):
            (made / name).write_text(text, encoding="utf-8", newline="\n")
        write_crate(made / "crate", facts.as_crate(found), publisher_of(site.settings), now=now)
        become(made, target)
    return found
