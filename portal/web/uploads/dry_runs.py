"""Starting a dry run: its cheats are made and put into the store, then all of it is written at once."""

from collections.abc import Iterable

from portal.domain.challenges.dry_runs import Expectation, TrialRole
from portal.domain.errors import ParticipantError
from portal.files.store import StorageFullError, Store
from portal.services.challenges.dry_runs import starting
from portal.services.challenges.dry_runs.cheats import NO_BASELINE, MadeAttack, attacks_on
from portal.services.challenges.dry_runs.starting import DryRunPlan, NewTrial
from portal.web.request_context import PageRequest

NO_ROOM = "The site has no room for uploads at the moment: nothing was started. Try again later, or tell its staff."


def start(request: PageRequest, slug: str, *, with_long: bool) -> int:
    """Start a dry run, or find the one that runs; return its number.

    Raises ``NotFoundError``, ``NotAllowedError`` and ``ParticipantError``.
    """
    plan = request.read(
        starting.plan,
        actor=request.actor,
        slug=slug,
        resources=request.context.resources,
        now=request.now,
    )
    notes: list[str] = []
    cheats = _attacks(plan, request.context.store, with_long=with_long, notes=notes)
    try:
        kept = [*_kept(cheats, request.context.store)]
    except StorageFullError as error:
        raise ParticipantError(NO_ROOM, reason="no_room") from error
    trials = [*map(starting.of_bundle, plan.subject.trials), *kept]
    if not any(trial.role is TrialRole.BASELINE for trial in trials):
        notes.append(NO_BASELINE)
    return request.write(
        starting.start,
        actor=request.actor,
        slug=slug,
        subject=plan.subject,
        trials=trials,
        notes=notes,
        now=request.now,
    )


def _attacks(
    plan: DryRunPlan, store: Store, *, with_long: bool, notes: list[str]
) -> Iterable[MadeAttack]:
    for target in plan.targets:
        yield from attacks_on(target, plan.subject, store, with_long=with_long, notes=notes)


def _kept(attacks: Iterable[MadeAttack], store: Store) -> Iterable[NewTrial]:
    """Put cheats into the store, where what nobody knows is removed after a while."""
    for made in attacks:
        with store.incoming() as incoming:
            incoming.write(made.attack.content)
            stored = incoming.commit()
        yield NewTrial(
            role=TrialRole.ATTACK,
            name=made.attack.name,
            about=made.attack.about,
            phase=made.phase,
            kind=made.kind,
            sha256=stored.sha256,
            size=stored.size,
            filename=f"{made.attack.name.replace(' ', '-')}.zip",
            expected=Expectation(may_score=made.attack.may_score),
        )
