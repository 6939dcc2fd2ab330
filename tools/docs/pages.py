"""The pages that are made from the code."""

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import click

from portal.cli import main
from portal.domain.evaluations.failures import FAILURES, FailureReason
from portal.domain.evaluations.queue_reasons import in_words
from portal.domain.evaluations.slurm_states import MEANINGS
from portal.domain.evaluations.states import (
    ATTEMPT_TRANSITIONS,
    EVALUATION_TRANSITIONS,
    IMAGE_TRANSITIONS,
    SNAPSHOT_TRANSITIONS,
    AttemptState,
    EvaluationState,
    ImageState,
    SnapshotState,
)
from portal.services.site import check_reports
from portal.web.rendering.labels import label
from scheduler.slurm.reasons import HELD_REASONS, HOPELESS_REASONS, PASSING, PASSING_FAMILIES
from scheduler.slurm.states import STATES
from site_config import reference
from tools.docs import api, check_site

DOCS = Path(__file__).resolve().parents[2] / "docs"
State = TypeVar("State", bound=StrEnum)
# By type first: members of two enumerations with the same text are equal.
EVALUATIONS: Mapping[EvaluationState, str] = {
    EvaluationState.WAITING: "For an image, a slot or its turn.",
    EvaluationState.BUILDING: "Its image is being made.",
    EvaluationState.QUEUED: "The predict job waits for a node.",
    EvaluationState.RUNNING: "The predict job runs.",
    EvaluationState.SCORING: "The score job waits or runs.",
    EvaluationState.SCORED: "The result is there.",
    EvaluationState.FAILED: "It ended for one of the reasons below.",
    EvaluationState.CANCELLED: "Its job was cancelled on the cluster.",
    EvaluationState.HELD: "Something happened that the portal does not decide by itself.",
}
ATTEMPTS: Mapping[AttemptState, str] = {
    AttemptState.CREATED: "Written down, nothing sent.",
    AttemptState.SUBMITTING: "About to be sent, or sent and not recorded.",
    AttemptState.INDETERMINATE: "Sent, with an unclear answer: the token is looked up until the answer is clear.",
    AttemptState.QUEUED: "Slurm has it.",
    AttemptState.RUNNING: "Slurm says that it runs.",
    AttemptState.FINISHING: "The script has ended, Slurm cleans up; files may still change.",
    AttemptState.ENDED: "Nothing of it runs; what it left is still to be judged.",
    AttemptState.COLLECTED: "What it left was ingested.",
    AttemptState.LOST: "The cluster does not know it. It can never count as a success.",
}
SNAPSHOTS: Mapping[SnapshotState, str] = {
    SnapshotState.WAITING: "For its turn.",
    SnapshotState.MEASURING: "A job reads the data.",
    SnapshotState.READY: "What is in it is known: seal records name its digest.",
    SnapshotState.FAILED: "It could not be read, or is not only of files; it is tried again after an hour.",
}
IMAGES: Mapping[ImageState, str] = {
    ImageState.WAITING: "For its turn, or for its base image.",
    ImageState.BUILDING: "A build job has it.",
    ImageState.READY: "The SIF lies in the storage under its digest.",
    ImageState.FAILED: "It stays so if the upload is the reason; otherwise the next use tries again.",
}
REMEDIES: Mapping[FailureReason, str] = {
    FailureReason.BAD_ARCHIVE: "If many meet it: does the challenge's page say what the archive must hold?",
    FailureReason.BUILD_FAILED: "Nothing. Apptainer's last words are on the page of the submission.",
    FailureReason.UNSIGNED: "Staff add the key of a team that they trust to `images.keys`.",
    FailureReason.ENVIRONMENT: "Staff add the package to the site's collection (`wheelhouse`).",
    FailureReason.IMAGE_TOO_LARGE: "Nothing: the limits are the site's.",
    FailureReason.IMAGE_START: "If many meet it: is `predict.argv` what the challenge's page says?",
    FailureReason.EXIT_CODE: "Read the log under *Show confidential details*; release it if nothing in it is private.",
    FailureReason.TIME_LIMIT: "If many meet it: a profile with more time.",
    FailureReason.MEMORY_LIMIT: "If many meet it: a profile with more memory.",
    FailureReason.NO_OUTPUT: "If many meet it: does the challenge's page name `outputs.required`?",
    FailureReason.OUTPUT_LIMIT: "If many meet it: does the challenge's page say `outputs`? In /tmp the limit is the site's.",
    FailureReason.BAD_OUTPUT_ENTRY: "Nothing.",
    FailureReason.BAD_OUTPUT: "The scorer ended with 65: its last line on standard error says why.",
    FailureReason.UNFINISHED: "Staff look at the node if several teams meet it.",
    FailureReason.BAD_SCORES: "Compare `scores.json` with the columns, correct the scorer, then *Try again*.",
    FailureReason.SCORER_FAILED: "Read the scorer's log, correct the scorer, then *Try again*.",
    FailureReason.ISOLATION_UNAVAILABLE: "Staff take the node out: `probe.json` in the run directory says what it lacks.",
    FailureReason.IMAGE_CHANGED: "Staff find out who changed a file in `images/` of the storage.",
    FailureReason.INFRASTRUCTURE: "Staff look at the node; it was tried again by itself before. Then *Try again*.",
    FailureReason.REFUSED: "Staff compare profile, account and qos with Slurm: `sealrun check-site`.",
    FailureReason.LOST: "Staff look for the job in accounting, then *Try again*.",
    FailureReason.PREPARATION: "Staff read the detail: data, profile, upload or image are missing.",
    FailureReason.NO_RESULT: "The reason itself is under *Show confidential details*.",
}


def commands_page() -> str:
    """Return docs/reference/commands.md."""
    head = (
        "# Commands\n\nMade from the code by `python -m tools.docs`. What goes wrong is shown in one sentence"
        " on standard\nerror, and the exit code is not 0. `SEALRUN_SITE` saves writing `--site`.\n\n"
    )
    return head + "\n".join(_command("sealrun", main, None))


def _command(path: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=path.rpartition(" ")[2], parent=parent)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if found := command.get_command(context, name):
                yield from _command(f"{path} {name}", found, context)
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"## `{path}`\n\n{_flat(command.help)}\n\n```\n{path} {usage}\n```\n"
    options = [p for p in command.params if isinstance(p, click.Option)]
    if options:
        yield "| option | default | meaning |\n|---|---|---|"
        yield from (_option(option, context) for option in options)
        yield ""


def _option(option: click.Option, context: click.Context) -> str:
    name = max(option.opts, key=len)
    # A bar would end the cell of the table.
    value = "" if option.is_flag else f" {option.make_metavar(context)}".replace("|", " or ")
    default = option.get_default(context)
    shown = f"`{default}`" if option.show_default and default is not None else "none"
    if option.is_flag:
        shown = "off"
    variable = f" Or in `{option.envvar}`." if option.envvar else ""
    return f"| `{name}{value}` | {shown} | {_flat(option.help)}{variable} |"


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def states_page() -> str:
    """Return docs/reference/states.md."""
    parts = [
        "# States and failures\n",
        "Made from the code by `python -m tools.docs`. What is not in the column *next* cannot happen.\n",
        "## Evaluations\n",
        "One submission on one task. *Word* is what pages say.\n",
        "| state | word | meaning | next |\n|---|---|---|---|",
        *(
            f"| `{state}` | {label(state).word} | {meaning} | {_next(EVALUATION_TRANSITIONS, state)} |"
            for state, meaning in EVALUATIONS.items()
        ),
        "\n## Attempts\n",
        "One try at one Slurm job. Staff see them on the page of a submission.\n",
        *_plain_table(ATTEMPTS, ATTEMPT_TRANSITIONS),
        "\n## Images\n",
        "A SIF and what it is made of. The same upload is made into an image once.\n",
        *_plain_table(IMAGES, IMAGE_TRANSITIONS),
        "\n## Measurements of data\n",
        "What a data directory held when a job read it. Staff see them with `sealrun data list`.\n",
        *_plain_table(SNAPSHOTS, SNAPSHOT_TRANSITIONS),
        "\n## Failures\n",
        "What a team reads, what it can do, and what organisers and staff can. *Counts* says whether the submission",
        "counts against the team's limits. In a sealed phase, the default, a team reads `no_result` for all from",
        "`image_start` to `scorer_failed`, and it counts: see [Leak control](../explanation/leak-control.md). A bad archive,",
        "a bad image and a bad output come with one more sentence, which says what was found. *Try again* is on the page",
        "*Attention* of the challenge.\n",
        *_failures(),
        "## Slurm's states\n",
        "Every word of Slurm 22.05 to 26.05; squeue and sacct print a flag in place of the base state. A word that is",
        "not here is shown as it is, changes nothing, is kept with the attempt, and is logged once as the error",
        "`unknown_state`. A job that is *held* is logged once as the warning `held_on_the_cluster`. *Follows* is for",
        "the submission when its job has come to an end in this state.\n",
        "| Slurm | | phase | outcome | meaning | what the team reads | follows |\n|---|---|---|---|---|---|---|",
        *(
            f"| `{word}` | {'flag' if state.is_flag else 'base'} | {state.phase} | {state.outcome or ''}"
            f" | {state.meaning} | {MEANINGS[word].message} | {MEANINGS[word].consequence} |"
            for word, state in STATES.items()
        ),
        "\n## Why a job waits\n",
        "The reasons that Slurm gives for a pending job. With those under *person* it is *held*: it starts only when",
        "somebody acts.\n",
        "| reason | waits for | what the team reads |\n|---|---|---|",
        *(f"| `{reason}` | {waits} | {in_words(reason)} |" for reason, waits in _reasons()),
        "",
    ]
    return "\n".join(parts)


def _reasons() -> Iterator[tuple[str, str]]:
    """Yield each reason, or the beginning of a family of them, and who ends the waiting."""
    yield from ((reason, "time") for reason in sorted(PASSING))
    yield from ((f"{family}...", "time") for family in PASSING_FAMILIES)
    yield from ((reason, "person") for reason in sorted(HELD_REASONS | HOPELESS_REASONS))


def _plain_table(
    meanings: Mapping[State, str], steps: Mapping[State, frozenset[State]]
) -> Iterator[str]:
    yield "| state | meaning | next |\n|---|---|---|"
    yield from (
        f"| `{state}` | {meaning} | {_next(steps, state)} |" for state, meaning in meanings.items()
    )


def _next(steps: Mapping[State, frozenset[State]], state: State) -> str:
    order = list(type(state))
    return ", ".join(f"`{to}`" for to in sorted(steps[state], key=order.index)) or "final"


def _failures() -> Iterator[str]:
    yield "| reason | what the team reads | and what it can do | counts | what organisers and staff can do |"
    yield "|---|---|---|---|---|"
    yield from (
        f"| `{reason}` | {failure.title} | {failure.advice} | {'yes' if failure.counts else 'no'} | {REMEDIES[reason]} |"
        for reason, failure in FAILURES.items()
    )
    yield ""


PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "reference/commands.md": commands_page,
    DOCS / "reference/states.md": states_page,
    DOCS / "reference/api.md": api.page,
    DOCS / "reference/check-site.md": lambda: check_site.page(check_reports.KEPT),
    DOCS / "reference/site-settings.md": lambda: reference.page("site"),
    DOCS / "reference/challenge-yaml.md": lambda: reference.page("challenge"),
}


def write_all() -> None:
    """Write every page that is made from the code."""
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
