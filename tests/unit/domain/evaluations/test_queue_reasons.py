"""Why a job waits, in words that name no node."""

import pytest

from portal.domain.evaluations.queue_reasons import in_words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("", ""),
        ("(Priority)", "Other jobs come first."),
        ("Resources", "No node is free yet; this job is next in line."),
        ("QOSMaxJobsPerUserLimit", "The challenge's share of the cluster is in use."),
        ("AssocGrpGRES", "The challenge's share of the cluster is in use."),
        (
            "ReqNodeNotAvail, UnavailableNodes:secret-node[1-4]",
            "The nodes that it needs are reserved or down.",
        ),
        ("SomethingNew", "Slurm gave a reason that this portal has no words for."),
    ],
)
def test_a_reason_is_said_in_words(raw: str, words: str) -> None:
    assert in_words(raw) == words
