"""What a dry run submits: what its bundle names, and the portal's own cheats, with all files in the store."""

from collections.abc import Iterator

from portal.domain.challenges.dry_runs import Expectation, TrialRole
from portal.files.store import Store
from portal.services.challenges.dry_runs.cheats import NO_BASELINE, MadeAttack, attacks_on
from portal.services.challenges.dry_runs.starting import DryRunPlan, NewTrial, of_bundle


def trials_of(
    plan: DryRunPlan, store: Store, *, with_long: bool
) -> tuple[tuple[NewTrial, ...], tuple[str, ...]]:
    """Return what is to be submitted, and what was left out in sentences. Raises ``StorageFullError``.

    The cheats are put into the store, where what nobody knows is removed after a while.
    """
    notes: list[str] = []
    known = [of_bundle(trial) for trial in plan.subject.trials]
    cheats = [
        _kept(made, store) for made in _attacks(plan, store, with_long=with_long, notes=notes)
    ]
    if not any(trial.role is TrialRole.BASELINE for trial in known):
        notes.append(NO_BASELINE)
    return (*known, *cheats), tuple(notes)


def _attacks(
    plan: DryRunPlan, store: Store, *, with_long: bool, notes: list[str]
) -> Iterator[MadeAttack]:
    for target in plan.targets:
        yield from attacks_on(target, plan.subject, store, with_long=with_long, notes=notes)


def _kept(made: MadeAttack, store: Store) -> NewTrial:
    with store.incoming() as incoming:
        incoming.write(made.attack.content)
        stored = incoming.commit()
    return NewTrial(
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
