import os
from datetime import UTC, datetime, timedelta

import pytest

from site_config.bundle import PAGE_LIMIT, Offers, load_challenge
from site_config.challenge import SubmissionKind
from site_config.errors import SettingsError
from site_config.site_loader import load_site

NAME = "must be 1 to 40 of a-z, 0-9 and '-', with no '-' at either end"
INSIDE = "must be a relative path inside the directory: no leading '/', no '..', no '\\'"
MOMENT = "must be a date and time with a zone, such as 2026-12-01T00:00Z"
PROGRAM = "must start with the program's absolute path inside the image"


def offers_of(site):
    return Offers(
        profiles={name: profile.cluster for name, profile in site.profiles.items()},
        data={name: data.challenges for name, data in site.data.items()},
        output=site.limits.output,
        output_files=site.limits.output_files,
    )


def refusal(directory, site=None):
    with pytest.raises(SettingsError) as caught:
        load_challenge(directory, offers_of(site) if site else None)
    file = directory / "challenge.yaml"
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


def test_a_good_challenge_is_read(challenge_with):
    challenge = load_challenge(challenge_with())

    phase, task = challenge.phases[0], challenge.tasks["cells"]
    assert challenge.schema_version == "1"
    assert phase.start == datetime(2026, 12, 1, tzinfo=UTC)
    assert phase.kinds == (SubmissionKind.IMAGE, SubmissionKind.CODE, SubmissionKind.RESULTS)
    assert phase.limits.per_day == 5
    assert task.outputs.max == 500 * 1024**2
    assert [str(name) for name in task.outputs.required] == ["counts.csv"]
    assert str(task.sample) == "sample"
    assert task.score.argv == ("/app/score",)
    assert [column.key for column in challenge.leaderboard.columns] == ["f1", "loss"]
    assert challenge.leaderboard.columns[1].primary is False
    assert (phase.failures, phase.time_step, phase.hold_results) == (
        "sealed", timedelta(minutes=5), False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("schema: 1", "schema: 2", "1: schema: must be '1'", id="schema"),
        pytest.param("slug: cell-count", "slug: ../x", f"2: slug: {NAME}", id="slug"),
        pytest.param(
            "terms:", "term:", "5: term: is not a setting; did you mean 'terms'?", id="typo"
        ),
        pytest.param(
            "terms: terms.md", "terms: ../terms.md", f"5: terms: {INSIDE}", id="path-upwards"
        ),
        pytest.param("terms: terms.md", "terms: /etc/passwd", f"5: terms: {INSIDE}", id="absolute"),
        pytest.param("terms: terms.md", "terms: 'a\\b'", f"5: terms: {INSIDE}", id="backslash"),
        pytest.param("terms: terms.md", 'terms: "a\\0b"', f"5: terms: {INSIDE}", id="nul"),
        pytest.param(
            "terms: terms.md",
            "terms: rules.md",
            "5: terms: there is no file 'rules.md' in the challenge (links are not followed)",
            id="no-such-file",
        ),
        pytest.param(
            "file: overview.md",
            "file: sample",
            "4: pages[0].file: there is no file 'sample' in the challenge (links are not followed)",
            id="directory-as-page",
        ),
        pytest.param(
            "sample: sample/",
            "sample: terms.md",
            "12: tasks.cells.sample: there is no directory 'terms.md' in the challenge (links are"
            " not followed)",
            id="file-as-sample",
        ),
        pytest.param(
            "argv: [/app/predict]",
            "argv: []",
            "15: tasks.cells.predict.argv: needs 1 or more",
            id="no-argv",
        ),
        pytest.param(
            "policy: open",
            "policy: anybody",
            "6: join.policy: must be 'open', 'approve' or 'claims'",
            id="policy",
        ),
        pytest.param(
            "policy: open",
            "policy: claims",
            "6: join: 'claims' belongs to 'policy: claims', and one needs the other",
            id="claims-missing",
        ),
        pytest.param(
            "policy: open",
            "policy: open, claims: {a: b}",
            "6: join: 'claims' belongs to 'policy: claims', and one needs the other",
            id="claims-unused",
        ),
        pytest.param(
            "max_size: 4",
            "max_size: 0",
            "7: teams.max_size: must be greater than or equal to 1",
            id="team-size",
        ),
        pytest.param(
            "argv: [/app/predict]",
            "argv: [sh]",
            f"15: tasks.cells.predict.argv: {PROGRAM}",
            id="argv",
        ),
        pytest.param(
            "argv: [/app/predict]",
            'argv: [/bin/sh, "a\\nb"]',
            "15: tasks.cells.predict.argv: must be words without control characters, up to 1000"
            " letters each",
            id="control-character-in-argv",
        ),
        pytest.param(
            "required: [counts.csv]",
            "required: [../counts.csv]",
            f"17: tasks.cells.outputs.required[0]: {INSIDE}",
            id="output-upwards",
        ),
        pytest.param(
            "required: [counts.csv]",
            "required: [a, a]",
            "17: tasks.cells.outputs.required: has the same file twice",
            id="output-twice",
        ),
        pytest.param("T00:00Z", "", f"20: phases[0].start: {MOMENT}", id="date-only"),
        pytest.param(
            "2026-12-01T00:00Z", "1764547200", f"20: phases[0].start: {MOMENT}", id="timestamp"
        ),
        pytest.param(
            "T00:00Z", "T00:00", "20: phases[0].start: must have timezone info", id="no-zone"
        ),
        pytest.param(
            "2027-01-31",
            "2026-01-31",
            "19: phases[0]: 'end' must be later than 'start'",
            id="order",
        ),
        pytest.param(
            "tasks: [cells]",
            "tasks: [cells, nuclei]",
            "22: phases[0].tasks[1]: there is no task 'nuclei'",
            id="no-such-task",
        ),
        pytest.param(
            "    base: {image: base.tar}\n",
            "",
            "22: phases[0].kinds: 'code' needs a 'base' image in task 'cells'",
            id="code-without-base",
        ),
        pytest.param(
            "kinds: [image, code, results]",
            "kinds: [images]",
            "23: phases[0].kinds[0]: must be 'image', 'code' or 'results'",
            id="kind",
        ),
        pytest.param(
            "running: 1}",
            "running: 1}\n    logs: open",
            "25: phases[0].logs: must be 'smoke' or 'sealed'",
            id="logs",
        ),
        pytest.param(
            "running: 1}",
            "running: 1}\n    failures: hidden",
            "25: phases[0].failures: must be 'typed' or 'sealed'",
            id="failures",
        ),
        pytest.param(
            "running: 1}",
            "running: 1}\n    after: {phase: warmup}",
            "25: phases[0].after.phase: no phase 'warmup' is listed before this one",
            id="after-nothing",
        ),
        pytest.param(
            "running: 1}",
            "running: 1}\n    after: {phase: dev, needs: rank}",
            "25: phases[0].after: 'rank' belongs to 'needs: rank', and one needs the other",
            id="no-rank",
        ),
        pytest.param(
            "running: 1}",
            "running: 1}\n    late_until: 2027-03-01T00:00Z",
            "19: phases[0]: 'late_until' needs 'late: unranked'",
            id="late-until-alone",
        ),
        pytest.param(
            "title: Count the cells",
            "title: Count the cells\ntimezone: Berlin",
            "4: timezone: must be the name of a time zone such as Europe/Berlin",
            id="time-zone",
        ),
        pytest.param(
            "rule: best",
            "rule: last\n  ladder: {eta: 0.01}",
            "25: leaderboard: 'ladder' needs 'rule: best'",
            id="ladder-without-best",
        ),
        pytest.param(
            "rule: best",
            "rule: best\n  ladder: {eta: 0.0001}",
            "25: leaderboard: 'ladder.eta' must not be finer than the digits that the primary column"
            " shows",
            id="ladder-too-fine",
        ),
        pytest.param(
            ", primary: true",
            "",
            "25: leaderboard: exactly one column must have 'primary: true'",
            id="no-primary",
        ),
        pytest.param(
            "sort: asc}",
            "sort: asc, primary: true}",
            "25: leaderboard: exactly one column must have 'primary: true'",
            id="two-primaries",
        ),
        pytest.param(
            "key: loss",
            "key: f1",
            "25: leaderboard: every column must have a key of its own",
            id="key-twice",
        ),
        pytest.param(
            "key: loss",
            "key: Loss!",
            "29: leaderboard.columns[1].key: must be 1 to 40 of a-z, 0-9 and '_', starting with a"
            " letter",
            id="key",
        ),
        pytest.param(
            "min: 0, max: 1",
            "min: 1, max: 1",
            "28: leaderboard.columns[0]: 'min' must be less than 'max'",
            id="bounds",
        ),
        pytest.param(
            "max: 1, primary",
            "max: inf, primary",
            "28: leaderboard.columns[0].max: must be a finite number",
            id="infinite-bound",
        ),
    ],
)
def test_one_mistake_is_one_line(challenge_with, old, new, problem):
    assert refusal(challenge_with(old, new)) == [problem]


def test_two_phases_need_two_ids(challenge_with):
    phase = "  - {id: dev, start: 2027-02-01T00:00Z, end: 2027-03-01T00:00Z, tasks: [cells], kinds: [image]}\n"

    assert refusal(challenge_with("leaderboard:\n", f"{phase}leaderboard:\n")) == [
        "25: phases[1].id: there is another phase 'dev'"
    ]


def test_a_link_is_not_followed(challenge_with, tmp_path):
    directory = challenge_with()
    (tmp_path / "secret").write_text("secret")
    (directory / "terms.md").unlink()
    (directory / "terms.md").symlink_to(tmp_path / "secret")

    assert refusal(directory) == [
        "5: terms: there is no file 'terms.md' in the challenge (links are not followed)"
    ]


def test_a_linked_directory_is_not_followed(challenge_with, tmp_path):
    directory = challenge_with("file: overview.md", "file: pages/overview.md")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "overview.md").write_text("secret")
    (directory / "pages").symlink_to(tmp_path / "pages")

    (problem,) = refusal(directory)
    assert problem == (
        "4: pages[0].file: there is no file 'pages/overview.md' in the challenge (links are not"
        " followed)"
    )


def test_a_sample_holds_only_files_and_directories(challenge_with):
    directory = challenge_with()
    os.mkfifo(directory / "sample" / "images" / "pipe")

    assert refusal(directory) == [
        "12: tasks.cells.sample: 'sample/images/pipe' is neither a file nor a directory"
    ]


def test_a_page_has_a_limit(challenge_with):
    directory = challenge_with()
    (directory / "overview.md").write_bytes(b"x" * (PAGE_LIMIT + 1))

    assert refusal(directory) == ["4: pages[0].file: 'overview.md' is larger than 256 KiB"]


def test_a_page_that_takes_long_to_show_is_refused(challenge_with):
    directory = challenge_with()
    (directory / "overview.md").write_text("[" * 1000 + "\n" + "[" * 1001)

    assert refusal(directory) == [
        "4: pages[0].file: 'overview.md' is more than a page can show: it has more than 2000 links"
    ]


def test_a_page_is_text(challenge_with):
    directory = challenge_with()
    (directory / "overview.md").write_bytes(b"\xff")

    assert refusal(directory) == ["4: pages[0].file: 'overview.md' is not UTF-8 text"]


def test_a_site_that_offers_everything_takes_the_challenge(challenge_with, site_with):
    challenge = load_challenge(challenge_with(), offers_of(load_site(site_with())))

    assert challenge.slug == "cell-count"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(
            "data: cells-truth",
            "data: faces",
            "11: tasks.cells.truth.data: this site has no data 'faces' for challenge 'cell-count'",
            id="no-such-data",
        ),
        pytest.param(
            "profile: gpu",
            "profile: gpu-large",
            "15: tasks.cells.predict.profile: this site has no profile 'gpu-large'; it has: build,"
            " gpu, score",
            id="no-such-profile",
        ),
        pytest.param(
            "max: 500M", "max: 3G", "17: tasks.cells.outputs.max: this site allows 2G", id="size"
        ),
        pytest.param(
            "files: 1000",
            "files: 10001",
            "17: tasks.cells.outputs.files: this site allows 10000",
            id="files",
        ),
    ],
)
def test_a_challenge_cannot_ask_for_more_than_the_site_offers(
    challenge_with, site_with, old, new, problem
):
    assert refusal(challenge_with(old, new), load_site(site_with())) == [problem]


def test_data_of_another_challenge_looks_like_no_data(challenge_with, site_with):
    site = load_site(
        site_with("/data/cells-truth, challenges: [cell-count]", "/d, challenges: [faces]")
    )

    assert refusal(challenge_with(), site) == [
        "11: tasks.cells.truth.data: this site has no data 'cells-truth' for challenge 'cell-count'"
    ]


def test_a_task_stays_on_one_cluster(challenge_with, site_with):
    other = (
        "  other: {connect: local, storage: /other, build: score}\nprofiles:\n"
        "  score: {cluster: other, partition: cpu, cpus: 2, memory: 8G, time: 20m}\n"
    )
    file = site_with("profiles:\n", other)
    file.write_text(
        file.read_text().replace(
            "  score: {cluster: main, partition: cpu, cpus: 2, memory: 8G, time: 20m}\n", ""
        )
    )

    assert refusal(challenge_with(), load_site(file)) == [
        "16: tasks.cells.score.profile: must be on the same cluster as the 'predict' profile"
    ]
