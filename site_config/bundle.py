"""Loads a challenge: the directory with ``challenge.yaml`` and the files that it names."""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from site_config.challenge import Challenge, Outputs, Phase, SubmissionKind, Task
from site_config.errors import Problem, SettingsError
from site_config.leaderboards import references as board_references
from site_config.markdown_bounds import excess_of
from site_config.pictures import (
    MAX_PICTURE_BYTES,
    MAX_PICTURES,
    PictureUse,
    media_type_of,
    path_of,
    pictures_in,
)
from site_config.trials import ExpectedOutcome, Sample
from site_config.units import format_size
from site_config.validation import validate
from site_config.yaml_document import Document, Key, document_of, read_document

FILE_NAME = "challenge.yaml"
PAGE_LIMIT = 256 * 1024
"""Bytes that one page or the terms may have; what they may hold is in ``markdown_bounds``."""

_Findings = Iterator[tuple[Key, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What of a site a challenge can ask for."""

    profiles: Mapping[str, str]
    """The cluster of each profile."""
    data: Mapping[str, Collection[str]]
    """For which challenges the sysadmin has allowed each directory."""
    output: int
    """Bytes that outputs may have."""
    output_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A challenge whose settings have the right form; what they name is still to be looked at."""

    directory: Path
    challenge: Challenge
    document: Document
    """Knows on which line each key stands."""

    def problems(self, offers: Offers | None = None) -> list[Problem]:
        """Return what is wrong with what the settings name.

        Every file is a regular file inside the directory, reached without a symbolic link. With what a site offers,
        also whether the profiles are among that, and the data is allowed for this challenge.
        """
        findings = [
            *_references(self.challenge),
            *board_references.references(self.challenge),
            *_files(self.challenge, self.directory),
        ]
        if offers is not None:
            findings += [*_demands(self.challenge, offers)]
        return [self.document.problem(key, message) for key, message in findings]


def read_bundle(directory: Path) -> Bundle:
    """Return the bundle in ``directory``; raise ``SettingsError`` where its ``challenge.yaml`` is not of the form."""
    document = read_document(directory / FILE_NAME)
    challenge = validate(Challenge, document)
    return Bundle(directory=directory, challenge=challenge, document=document)


def settings_of(text: str) -> Challenge:
    """Return the settings that a text of ``challenge.yaml`` holds; raise ``SettingsError`` where it is not of the form."""
    return validate(Challenge, document_of(text, Path(FILE_NAME)))


def load_challenge(directory: Path, offers: Offers | None = None) -> Challenge:
    """Return the challenge in ``directory``; raise ``SettingsError`` with every problem and its line."""
    bundle = read_bundle(directory)
    if problems := bundle.problems(offers):
        raise SettingsError(problems)
    return bundle.challenge


def _references(challenge: Challenge) -> _Findings:
    seen: set[str] = set()
    for index, phase in enumerate(challenge.phases):
        here: Key = ("phases", index)
        if phase.id in seen:
            yield (*here, "id"), f"there is another phase '{phase.id}'"
        if phase.after is not None and phase.after.phase not in seen:
            yield (
                (*here, "after", "phase"),
                f"no phase '{phase.after.phase}' is listed before this one",
            )
        seen.add(phase.id)
        for position, name in enumerate(phase.tasks):
            task = challenge.tasks.get(name)
            if task is None:
                yield (*here, "tasks", position), f"there is no task '{name}'"
            elif SubmissionKind.CODE in phase.kinds and task.base is None:
                yield (*here, "kinds"), f"'code' needs a 'base' image in task '{name}'"
    keys: set[str] = set()
    for index, question in enumerate(challenge.questions):
        if question.key in keys:
            yield ("questions", index, "key"), f"there is another question '{question.key}'"
        keys.add(question.key)
    for here, trial in trials_of(challenge):
        yield from _trial(challenge, trial, here)


def trials_of(challenge: Challenge) -> Iterator[tuple[Key, Sample]]:
    """Yield what the dry run submits, and where it stands: baselines, then samples."""
    for role, trials in (("baselines", challenge.baselines), ("samples", challenge.samples)):
        for index, trial in enumerate(trials):
            yield (role, index), trial


def _trial(challenge: Challenge, trial: Sample, here: Key) -> _Findings:
    phases = {phase.id: phase for phase in challenge.phases}
    if trial.phase is None:
        if phase_of(challenge, trial) is None:
            yield (*here, "kind"), f"no phase takes the kind '{trial.kind}'"
    elif trial.phase not in phases:
        yield (*here, "phase"), f"there is no phase '{trial.phase}'; there are: {', '.join(phases)}"
    elif trial.kind not in phases[trial.phase].kinds:
        taken = ", ".join(phases[trial.phase].kinds)
        yield (*here, "kind"), f"phase '{trial.phase}' takes these kinds only: {taken}"
    if isinstance(trial.expect, ExpectedOutcome):
        return
    keys = [column.key for column in challenge.scores]
    for key in trial.expect:
        if key not in keys:
            yield (
                (*here, "expect", key),
                f"there is no column '{key}'; there are: {', '.join(keys)}",
            )


def phase_of(challenge: Challenge, trial: Sample) -> Phase | None:
    """Return the phase to which the dry run submits something: the one that is named, or the first that takes its kind."""
    return next(
        (
            phase
            for phase in challenge.phases
            if (phase.id == trial.phase if trial.phase else trial.kind in phase.kinds)
        ),
        None,
    )


def _files(challenge: Challenge, directory: Path) -> _Findings:
    for index, page in enumerate(challenge.pages):
        yield from _page(directory, page.file, ("pages", index, "file"))
    if challenge.terms:
        yield from _page(directory, challenge.terms, ("terms",))
    if challenge.logo:
        yield from _picture(directory, challenge.logo, ("logo",))
    if len(pictures_of(challenge, texts_in(challenge, directory))) > MAX_PICTURES:
        yield ("pages",), f"all pages together show more than {MAX_PICTURES} pictures"
    for index, download in enumerate(challenge.files):
        if download.file:
            yield from _file(directory, download.file, ("files", index, "file"))
    yield from _files_of_tasks(challenge, directory)
    for here, trial in trials_of(challenge):
        yield from _file(directory, trial.file, (*here, "file"))


def _files_of_tasks(challenge: Challenge, directory: Path) -> _Findings:
    for name, task in challenge.tasks.items():
        here: Key = ("tasks", name)
        yield from _file(directory, task.scorer.image, (*here, "scorer", "image"))
        if task.base:
            yield from _file(directory, task.base.image, (*here, "base", "image"))
        if task.sample:
            yield from _sample(directory, task.sample, (*here, "sample"))


def _file(directory: Path, name: PurePosixPath, key: Key) -> _Findings:
    found = _look(directory, name)
    if found is None or not stat.S_ISREG(found.st_mode):
        yield key, f"there is no file '{name}' in the challenge (links are not followed)"


def text_files(challenge: Challenge) -> list[PurePosixPath]:
    """Return the files of a challenge that are texts: its pages and its terms."""
    return [*(page.file for page in challenge.pages), *filter(None, [challenge.terms])]


def pictures_of(
    challenge: Challenge, texts: Mapping[PurePosixPath, str]
) -> dict[PurePosixPath, bool]:
    """Return the pictures that a challenge shows with these texts, its logo among them, and whether everybody sees them."""
    found = dict.fromkeys(filter(None, [challenge.logo]), True)
    for_everybody = {page.file for page in challenge.pages if page.readers == "everybody"}
    for file in filter(texts.__contains__, text_files(challenge)):
        is_open = file in for_everybody or file == challenge.terms
        for use in pictures_in(texts[file]):
            if path := path_of(use.source, file.parent):
                found[path] = found.get(path, False) or is_open
    return found


def texts_in(challenge: Challenge, directory: Path) -> dict[PurePosixPath, str]:
    """Return the texts of a challenge that can be read in ``directory``; the others are among its problems."""
    texts = {}
    for file in text_files(challenge):
        found = _look(directory, file)
        if found is not None and stat.S_ISREG(found.st_mode) and found.st_size <= PAGE_LIMIT:
            with suppress(UnicodeDecodeError):
                texts[file] = read_page(directory / file)
    return texts


def downloads_of(challenge: Challenge) -> list[PurePosixPath]:
    """Return the files of a challenge that people can download."""
    return list(dict.fromkeys(one.file for one in challenge.files if one.file))


def images_of(challenge: Challenge) -> list[PurePosixPath]:
    """Return the images of a challenge: its scorers and what code is laid over."""
    tasks = challenge.tasks.values()
    return [archive.image for task in tasks for archive in filter(None, (task.scorer, task.base))]


def trial_files(challenge: Challenge) -> list[PurePosixPath]:
    """Return the files that the dry run submits: baselines and samples. They may tell what is confidential."""
    return [trial.file for _, trial in trials_of(challenge)]


def large_files(challenge: Challenge) -> list[PurePosixPath]:
    """Return the files of a challenge that are kept as they are, whatever their size: images, downloads, submissions."""
    named = (*images_of(challenge), *downloads_of(challenge), *trial_files(challenge))
    return list(dict.fromkeys(named))


def samples_of(challenge: Challenge) -> list[PurePosixPath]:
    """Return the directories that are samples."""
    return [task.sample for task in challenge.tasks.values() if task.sample]


def read_page(file: Path) -> str:
    """Return the text of a page; editors of Windows begin it with a mark. Raises ``UnicodeDecodeError``."""
    return file.read_text(encoding="utf-8-sig")


def _page(directory: Path, name: PurePosixPath, key: Key) -> _Findings:
    if missing := list(_file(directory, name, key)):
        yield from missing
        return
    file = directory / name
    if file.stat().st_size > PAGE_LIMIT:
        yield key, f"'{name}' is larger than {PAGE_LIMIT // 1024} KiB"
        return
    try:
        text = read_page(file)
    except UnicodeDecodeError:
        yield key, f"'{name}' is not UTF-8 text"
        return
    if excess := excess_of(text):
        yield key, f"'{name}' is more than a page can show: {excess}"
    for use in pictures_in(text):
        for message in _picture_problems(directory, use, path_of(use.source, name.parent)):
            yield key, f"'{name}', line {use.line}: {message}"


def _picture_problems(
    directory: Path, use: PictureUse, path: PurePosixPath | None
) -> Iterator[str]:
    if path is None:
        # From elsewhere: it is left out, and lint says so.
        return
    if not use.description:
        yield f"the picture '{use.source}' needs a description for those who do not see it: write it between '![' and ']'"
    for _, message in _picture(directory, path, ()):
        yield message


def _picture(directory: Path, name: PurePosixPath, key: Key) -> _Findings:
    if missing := list(_file(directory, name, key)):
        yield from missing
        return
    with (directory / name).open("rb") as file:
        beginning = file.read(12)
    if (directory / name).stat().st_size > MAX_PICTURE_BYTES:
        yield key, f"'{name}' is larger than {MAX_PICTURE_BYTES // 1024**2} MiB"
    elif media_type_of(beginning) is None:
        yield key, f"'{name}' is no picture that pages show: PNG, JPEG, GIF or WebP"


def _sample(directory: Path, name: PurePosixPath, key: Key) -> _Findings:
    found = _look(directory, name)
    if found is None or not stat.S_ISDIR(found.st_mode):
        yield key, f"there is no directory '{name}' in the challenge (links are not followed)"
        return
    for folder, folders, files in os.walk(directory / name):
        for entry in folders + files:
            path = Path(folder, entry)
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                inside = path.relative_to(directory)
                yield key, f"'{inside}' is neither a file nor a directory"


def _look(directory: Path, name: PurePosixPath) -> os.stat_result | None:
    """Return what is at ``name``, or nothing if it is not there or behind a link."""
    path = directory
    found = None
    for part in name.parts:
        path = path / part
        try:
            found = path.lstat()
        except OSError:
            return None
        if stat.S_ISLNK(found.st_mode):
            return None
    return found


def _demands(challenge: Challenge, offers: Offers) -> _Findings:
    for name, task in challenge.tasks.items():
        here: Key = ("tasks", name)
        for role, source in (("input", task.input), ("truth", task.truth)):
            if challenge.slug not in offers.data.get(source.data, ()):
                # The same sentence for both: which data other challenges have is not public.
                message = f"this site has no data '{source.data}' for challenge '{challenge.slug}'"
                yield (*here, role, "data"), message
        yield from _profiles(task, here, offers)
        yield from _outputs(task.outputs, (*here, "outputs"), offers)


def _profiles(task: Task, here: Key, offers: Offers) -> _Findings:
    clusters = set()
    for role, name in (("predict", task.predict.profile), ("score", task.score.profile)):
        cluster = offers.profiles.get(name)
        if cluster is None:
            offered = ", ".join(sorted(offers.profiles))
            yield (*here, role, "profile"), f"this site has no profile '{name}'; it has: {offered}"
        else:
            clusters.add(cluster)
    if len(clusters) > 1:
        yield (*here, "score", "profile"), "must be on the same cluster as the 'predict' profile"


def _outputs(outputs: Outputs, here: Key, offers: Offers) -> _Findings:
    if outputs.max is not None and outputs.max > offers.output:
        yield (*here, "max"), f"this site allows {format_size(offers.output)}"
    if outputs.files is not None and outputs.files > offers.output_files:
        yield (*here, "files"), f"this site allows {offers.output_files}"
