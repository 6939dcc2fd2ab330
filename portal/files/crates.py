"""Writes an RO-Crate: results with their evidence, described so that other programs can read it.

RO-Crate 1.1 with the profile Process Run Crate 0.5: each run is a ``CreateAction`` with its program, its data
and its result (https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/process/0.5). Private data is named by
its Merkle root and is never inside.
"""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal.domain.challenges.crates import Board, CrateFacts, CrateResult
from portal.domain.printable import spreadsheet_text
from portal.files.atomic import beside

if TYPE_CHECKING:
    # It brings a client for the web and much else: it is only imported where a crate is written.
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_VERSION = "1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Whose site it comes from."""

    name: str
    url: str
    keys: Mapping[str, str]
    """Public keys as PEM texts, by their ids: what signed records are checked with."""


def write_crate(
    target: Path,
    facts: CrateFacts,
    publisher: Publisher,
    *,
    now: datetime,
    upload: Callable[[str], Path] | None = None,
) -> None:
    """Write a crate as a directory, or as a ZIP file where the name ends with ``.zip``.

    ``upload`` gives a copy of an upload by its sha256 that is nobody else's to change; without it uploads are
    described and left out. The target appears whole or not at all. Raises ``FileExistsError`` where it is there already.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already, and is not replaced")
    with beside(target) as folder:
        staging, written = folder / "staging", folder / "crate"
        staging.mkdir()
        _Crate(staging, facts, publisher, upload).describe(now).write(written)
        if target.suffix == ".zip":
            packed = shutil.make_archive(str(folder / "packed"), "zip", written)
            os.link(packed, target)
        else:
            written.rename(target)


class _Crate:
    """A crate that is being put together: its files lie in ``staging`` until it is written."""

    def __init__(
        self,
        staging: Path,
        facts: CrateFacts,
        publisher: Publisher,
        upload: Callable[[str], Path] | None,
    ) -> None:
        self._staging = staging
        self._facts = facts
        self._publisher = publisher
        self._upload = upload
        from rocrate.rocrate import ROCrate  # noqa: PLC0415

        self._crate = ROCrate(version=_VERSION)

    def describe(self, now: datetime) -> "ROCrate":
        crate, facts = self._crate, self._facts
        crate.name = f"Results of {facts.title}"
        crate.description = (
            f"The challenge {facts.title} ({facts.slug}) as everybody saw it: pages and leaderboards."
            if not facts.results
            else f"{len(facts.results)} results of the challenge {facts.title} ({facts.slug}) with what"
            " was run for each, as Sealrun recorded it. Private data is named, and not inside."
        )
        crate.datePublished = now
        crate.license = (
            self._text("terms.md", facts.terms, "Terms of the challenge", "text/markdown")
            if facts.terms
            else "As the organisers of the challenge say"
        )
        crate.publisher = self._entity(
            self._publisher.url, "Organization", name=self._publisher.name
        )
        profile = self._entity(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
        crate.root_dataset["conformsTo"] = profile
        for key_id, pem in self._publisher.keys.items():
            self._text(
                f"keys/{key_id}.pem", pem, "Public key of the site", "application/x-pem-file"
            )
        for name, text in facts.pages.items():
            self._text(f"pages/{name}.md", text, f"Page {name}", "text/markdown")
        self._json("columns.json", list(facts.columns), "Columns of the leaderboard")
        for board in facts.boards:
            self._board(board)
        for result in facts.results:
            self._result(result)
        return crate

    def _board(self, board: Board) -> None:
        keys = [str(column["key"]) for column in self._facts.columns]
        name = f"leaderboards/{board.phase}.csv"
        path = self._path(name)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["rank", "team", *keys, "achieved_at", "submission"])
            for place in board.places:
                scores = [place.scores.get(key, "") for key in keys]
                achieved = place.achieved_at.isoformat()
                writer.writerow(
                    [
                        place.rank or "",
                        spreadsheet_text(place.team),
                        *scores,
                        achieved,
                        place.submission,
                    ]
                )
        times = f"{board.starts_at.isoformat()}/{board.ends_at.isoformat()}"
        self._file(name, f"Leaderboard of {board.title}", "text/csv", temporalCoverage=times)

    def _result(self, result: CrateResult) -> None:
        folder = f"results/{result.evaluation}"
        record = result.record
        team = self._entity(f"#team-{result.team_id}", "Organization", name=result.team)
        scores = self._json(
            f"{folder}/scores.json", dict(result.scores), "Scores, as the scorer wrote them"
        )
        evidence = [self._json(f"{folder}/record.json", dict(record), "Record of what was run")]
        if result.envelope is not None:
            evidence.append(
                self._text(
                    f"{folder}/seal.json", result.envelope, "The record as it was signed",
                    "application/vnd.in-toto+json",
                )
            )  # fmt: skip
        submitted = self._submitted(result)
        predictions = self._predict(result, team, submitted)
        described = f"{result.phase}, {result.task}, submission {result.submission}"
        repeats = f"; repeats {result.rerun_of}" if result.rerun_of else ""
        self._action(
            f"#score-{result.evaluation}",
            record["score"],
            name=f"Scoring of evaluation {result.evaluation}",
            description=f"{described}{repeats}",
            instrument=self._image("scorer", record["images"]["scorer"]),
            object=[predictions, *self._data(record, "truth")],
            result=[scores, *evidence],
        )

    def _predict(
        self, result: CrateResult, team: "ContextEntity", submitted: "ContextEntity"
    ) -> "ContextEntity":
        """Describe the run of a submission; return what it left, or the file of predictions itself."""
        run = result.record["predict"]
        if run is None:
            submitted["author"] = team
            return submitted
        predictions = self._entity(
            f"#predictions-{result.evaluation}",
            "CreativeWork",
            name="Predictions, which stay on the cluster",
        )
        image = self._image("submission", result.record["images"]["submission"])
        image["isBasedOn"] = submitted
        self._action(
            f"#predict-{result.evaluation}",
            run,
            name=f"Run of submission {result.submission}",
            agent=team,
            instrument=image,
            object=[*self._data(result.record, "input")],
            result=[predictions],
        )
        return predictions

    def _action(self, identifier: str, run: Mapping[str, Any], /, **properties: Any) -> None:  # noqa: ANN401 - JSON-LD
        versions = ", ".join(f"{name} {value}" for name, value in run["versions"].items())
        times = {"startTime": run["started_at"], "endTime": run["ended_at"]}
        action = self._entity(
            identifier,
            "CreateAction",
            actionStatus={"@id": "http://schema.org/CompletedActionStatus"},
            **{name: value for name, value in times.items() if value},
        )
        for name, value in properties.items():
            action[name] = value
        action["location"] = self._entity(
            f"{identifier}-node",
            "Place",
            name=f"{run['nodes']} of {run['slurm_cluster'] or run['cluster']}",
            description=f"Slurm job {run['job_id']} in profile {run['profile']}; {versions}",
        )
        mentions = self._crate.root_dataset.get("mentions") or []
        self._crate.root_dataset["mentions"] = [*mentions, action]

    def _image(self, what: str, sha256: str) -> "ContextEntity":
        return self._entity(
            f"#image-{sha256}",
            "SoftwareApplication",
            name=f"Apptainer image of the {what}",
            identifier=f"sha256:{sha256}",
            softwareVersion=sha256,
        )

    def _data(self, record: Mapping[str, Any], which: str) -> "Iterable[ContextEntity]":
        """Describe private data: it is never part of a crate."""
        facts = record["data"].get(which)
        if not isinstance(facts, dict):
            return
        root = facts.get("merkle_root")
        name = str(facts["name"])
        yield self._entity(
            f"#data-{name}-{root or 'not-measured'}",
            "Dataset",
            name=f"Private data {name}",
            description="Private: it stays on the cluster.",
            **({"identifier": f"merkle:{root}"} if root else {}),
            **({"size": str(facts["bytes"])} if root else {}),
        )

    def _submitted(self, result: CrateResult) -> "ContextEntity":
        about = {
            "contentSize": str(result.upload_size),
            "sha256": result.upload_sha256,
            "dateCreated": result.submitted_at.isoformat(),
            "description": f"Submitted as {result.kind}",
        }
        if self._upload is None or not result.is_kept:
            return self._entity(
                f"#upload-{result.submission}", "CreativeWork", name=result.filename, **about
            )
        # By its digest: a name that somebody chose is no path.
        name = f"uploads/{result.upload_sha256}"
        found = self._crate.dereference(name)
        return found or self._crate.add_file(
            self._upload(result.upload_sha256), name, properties={"name": result.filename, **about}
        )

    def _entity(self, identifier: str, kind: str, /, **properties: Any) -> "ContextEntity":  # noqa: ANN401 - JSON-LD
        from rocrate.model.contextentity import ContextEntity  # noqa: PLC0415

        return self._crate.dereference(identifier) or self._crate.add(
            ContextEntity(self._crate, identifier, properties={"@type": kind, **properties})
        )

    def _json(self, name: str, value: object, title: str) -> "ContextEntity":
        return self._text(
            name, json.dumps(value, indent=1, sort_keys=True), title, "application/json"
        )

    def _text(self, name: str, text: str, title: str, form: str) -> "ContextEntity":
        self._path(name).write_text(text, encoding="utf-8")
        return self._file(name, title, form)

    def _file(self, name: str, title: str, form: str, **properties: str) -> "ContextEntity":
        about = {"name": title, "encodingFormat": form, **properties}
        return self._crate.add_file(self._staging / name, name, properties=about, record_size=True)

    def _path(self, name: str) -> Path:
        path = self._staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
