"""Writing a challenge as pages that need no portal."""

from pathlib import Path

from portal.bootstrap.challenges import inner_path
from portal.bootstrap.secrets import publisher_of
from portal.bootstrap.site import Installation, operator
from portal.domain.errors import OperatorError
from portal.files.atomic import become, beside
from portal.files.crates import write_crate
from portal.files.store import DamagedFileError, Store
from portal.services.challenges.archives import facts
from portal.services.challenges.archives.facts import ArchiveFacts
from portal.web.rendering.archives import PICTURES, files_of


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
        for path, sha256 in found.pictures.items():
            _copy(site.store, sha256, made / PICTURES / inner_path(path))
        write_crate(made / "crate", facts.as_crate(found), publisher_of(site.settings), now=now)
        become(made, target)
    return found


def _copy(store: Store, sha256: str, place: Path) -> None:
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        store.copy(sha256, place)
        place.chmod(0o644)
    except (OSError, DamagedFileError) as problem:
        raise OperatorError(f"{place.name} cannot be written: {problem}") from problem
