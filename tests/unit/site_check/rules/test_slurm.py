from dataclasses import replace

import pytest

from portal.domain.site.findings import Level
from portal.site_check.questions import Answers
from portal.site_check.rules import slurm
from portal.site_check.target import Subject
from tests.support.recordings.answers import RELEASES
from tests.unit.site_check.subjects import MakeSubject, recorded_answers


def wrong(subject: Subject, answers: Answers) -> dict[str, tuple[Level, str, str]]:
    found = slurm.check(subject, answers)
    return {
        one.id: (one.level, one.found, one.change) for one in found if one.level is not Level.OK
    }


@pytest.mark.parametrize("release", RELEASES)
def test_the_hardened_configuration_of_every_release_has_nothing_wrong(
    subject: Subject, release: str
) -> None:
    answers = recorded_answers(release)

    found = list(slurm.check(subject, answers))

    assert [one for one in found if one.level is not Level.OK] == []
    assert {one.id for one in found} == {rule.id for rule in slurm.RULES}


@pytest.mark.parametrize(
    ("release", "folders"),
    [
        ("slurm-22.05", "JobContainerType=job_container/none"),
        ("slurm-26.05", "NamespaceType=(nothing)"),
    ],
)
def test_a_configuration_that_is_not_hardened_is_found_out(
    subject: Subject, release: str, folders: str
) -> None:
    found = wrong(subject, recorded_answers(release, config="config"))

    assert found.keys() == {
        "slurm.contain", "slurm.private_folders", "slurm.shell_limits", "slurm.job_comment",
    } | ({"slurm.memory_counted"} & found.keys())  # fmt: skip
    assert found["slurm.private_folders"][:2] == (Level.FAILURE, folders)
    assert found["slurm.shell_limits"] == (
        Level.WARNING,
        "PropagateResourceLimits=ALL",
        "slurm.conf: PropagateResourceLimits=NONE",
    )


@pytest.mark.parametrize(
    ("key", "value", "id_", "level", "change"),
    [
        ("ProctrackType", "proctrack/linuxproc", "slurm.processes", Level.FAILURE,
         "slurm.conf: ProctrackType=proctrack/cgroup"),
        ("TaskPlugin", "task/affinity", "slurm.tasks", Level.FAILURE,
         "slurm.conf: TaskPlugin=task/cgroup,task/affinity"),
        ("ConstrainDevices", "no", "slurm.devices", Level.FAILURE, "cgroup.conf: ConstrainDevices=yes"),
        ("ConstrainRAMSpace", "no", "slurm.memory", Level.FAILURE, "cgroup.conf: ConstrainRAMSpace=yes"),
        ("ConstrainSwapSpace", "no", "slurm.swap", Level.WARNING, "cgroup.conf: ConstrainSwapSpace=yes"),
        ("ConstrainCores", "no", "slurm.cores", Level.FAILURE, "cgroup.conf: ConstrainCores=yes"),
        ("AccountingStorageEnforce", "associations,limits", "slurm.enforce", Level.FAILURE,
         "slurm.conf: AccountingStorageEnforce=associations,limits,qos"),
        ("AccountingStorageType", "", "slurm.accounting", Level.FAILURE,
         "slurm.conf: AccountingStorageType=accounting_storage/slurmdbd"),
        ("PrivateData", "jobs", "slurm.private_data", Level.WARNING,
         "slurm.conf: PrivateData=jobs,usage,users"),
        ("KillWait", "120 sec", "slurm.kill_wait", Level.WARNING, "slurm.conf: KillWait=5"),
        ("MessageTimeout", "11 sec", "slurm.message_timeout", Level.FAILURE,
         "site.yaml: grace.submit=33s"),
        ("MinJobAge", "8 sec", "slurm.min_job_age", Level.WARNING, "slurm.conf: MinJobAge=300"),
        ("SLURM_VERSION", "21.08.8", "slurm.release", Level.WARNING,
         "a release of Slurm from 22.05 to 26.05"),
    ],
)  # fmt: skip
def test_one_wrong_setting_is_one_finding_with_the_line_to_change(
    subject: Subject, key: str, value: str, id_: str, level: Level, change: str
) -> None:
    answers = recorded_answers()
    assert answers.config is not None

    found = wrong(subject, replace(answers, config={**answers.config, key: value}))

    assert {name: (how, line) for name, (how, _, line) in found.items()} == {id_: (level, change)}


def test_accounting_has_its_own_private_data(subject: Subject) -> None:
    answers = recorded_answers()
    assert answers.accounting is not None

    found = wrong(subject, replace(answers, accounting={**answers.accounting, "PrivateData": ""}))

    assert found == {
        "slurm.private_accounting": (
            Level.WARNING,
            "PrivateData=(nothing)",
            "slurmdbd.conf: PrivateData=jobs,usage,users",
        )
    }


def test_without_cgroups_everything_that_they_do_is_a_failure(subject: Subject) -> None:
    answers = recorded_answers()
    config = {key: value for key, value in (answers.config or {}).items() if "Constrain" not in key}

    found = wrong(subject, replace(answers, config=config))

    assert found["slurm.devices"][:2] == (Level.FAILURE, "Slurm has read no cgroup.conf")
    assert found.keys() == {"slurm.cores", "slurm.memory", "slurm.swap", "slurm.devices"}


def test_a_controller_that_does_not_answer_is_the_only_finding(subject: Subject) -> None:
    found = wrong(subject, Answers(problems=("scontrol: no answer in 60 s",)))

    assert found.keys() == {"slurm.answers"}
    assert found["slurm.answers"][:2] == (Level.FAILURE, "scontrol: no answer in 60 s")


def test_a_portal_without_commands_asks_slurmrestd_and_says_what_it_cannot_know(
    make_subject: MakeSubject,
) -> None:
    rest = {"socket": "rest.socket", "user": "challenge", "token_file": "token"}
    cluster = {"connect": "local", "storage": "s", "slurm": {"interface": "rest", "rest": rest}}

    unasked = Answers(problems=("no scontrol",), by_rest=True)
    found = wrong(make_subject(clusters={"main": cluster}), unasked)

    assert found.keys() == {"slurm.answers"}
    assert found["slurm.answers"][:2] == (
        Level.WARNING,
        "cannot be seen here: slurmrestd does not tell (no scontrol)",
    )


def test_a_program_that_did_not_answer_is_no_program_without_a_complaint(subject: Subject) -> None:
    answers = replace(recorded_answers(), problems=("squeue: no answer in 60 s",))

    found = {one.id: one for one in slurm.check(subject, answers)}

    assert (found["slurm.whole"].level, found["slurm.whole"].found) == (
        Level.FAILURE,
        "not checked: squeue: no answer in 60 s",
    )
    assert "slurm.quiet" not in found


@pytest.mark.parametrize(
    ("key", "id_"),
    [("MessageTimeout", "slurm.message_timeout"), ("MinJobAge", "slurm.min_job_age")],
)
def test_a_time_that_slurm_does_not_say_is_not_guessed(
    subject: Subject, key: str, id_: str
) -> None:
    answers = recorded_answers()
    config = {name: value for name, value in (answers.config or {}).items() if name != key}

    found = wrong(subject, replace(answers, config=config))

    assert {name: one[:2] for name, one in found.items()} == {
        id_: (Level.FAILURE, f"not checked: Slurm does not say {key} in seconds")
    }


def test_settings_of_accounting_that_nobody_tells_are_a_failure(subject: Subject) -> None:
    unanswered = ("sacctmgr: no answer in 60 s",)
    answers = replace(recorded_answers(), accounting=None, problems=unanswered)

    found = wrong(subject, answers)

    assert found["slurm.private_accounting"][:2] == (
        Level.FAILURE,
        "not checked: sacctmgr: no answer in 60 s",
    )


def test_a_longer_grace_fits_a_slower_slurm(make_subject: MakeSubject) -> None:
    answers = recorded_answers()
    config = {**(answers.config or {}), "MessageTimeout": "60 sec"}

    found = wrong(make_subject(grace={"submit": "180s"}), replace(answers, config=config))

    assert found == {}
