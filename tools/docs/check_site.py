"""The page on ``sealrun check-site``, made from the table of its rules."""

from collections.abc import Iterator

from portal.domain.site.findings import AREAS, SCHEMA, Level
from portal.site_check.catalogue import RULES

_HEAD = f"""\
# What `sealrun check-site` looks at

Made by `python -m tools.docs` from `portal/site_check/`. How to use the command is in
[Operate a site](../how-to/operate-a-site.md#check-the-site).

## Exit code and levels

| exit code | means |
|---|---|
| 0 | no failure in what was looked at; there may be warnings, and what was left out on request |
| 1 | a failure: the site must not open. Also for whatever gave no answer, or not in time |
| 2 | the check could not be made, because the settings cannot be read or it was interrupted |

*ok* is what was looked at and holds. A *warning* says that something is weaker than it could be, or begins with
`cannot be seen here`: slurmrestd does not tell how Slurm is set up, or data is on the nodes only. A *failure* says that jobs
would fail, or that something is not kept apart. **What was not checked is not passed**: where nothing answered, or not in
time, it is a failure that begins with `not checked`, says what was waited for and how long, and what to do, whatever the level of its
rule is. *left out* is what `--no-jobs`, `--quick` or `--profile` asked not to look at. The last line then counts it, and does not call
the site ready to open, which it does only where everything was looked at and is *ok*.

## How long it may take

A job may wait in the queue for `--job-timeout` (ten minutes), and the whole check may take `--time-limit` (15 minutes). What it still waits
for then is a failure. Its own jobs, and no others, are cancelled by their names, which nobody else's have; that and taking away its files can take
two minutes more. Meanwhile it says on standard error when it submits a job, when the job starts, and every 15 seconds what it waits for:

```
... job 12 submitted in partition gpu: gpu-small-look
... waiting for job 12 in partition gpu: PENDING (Resources), 30 s
... job 12 started on node7: gpu-small-look
```

## The jobs

Without `--no-jobs` the command sends, through the site's own adapter: one image build, and in every profile five
small jobs of one core, with at most 1 GiB of memory.

| job | what it does |
|---|---|
| look | looks around on a node outside any container: what there is, how much room a job's `/tmp` has, and whether programs run from it; leaves files in `/tmp`, `/var/tmp` and `/dev/shm` and a process in a session of its own |
| find | comes after it, looks for what it has left, and takes that away |
| sealed | runs the site's isolation probe, and then a script of its own, with the flags of every submission and the GPUs of the profile |
| memory | asks for 128 MiB and takes three times as much |
| ignores-sigterm | ignores SIGTERM with a time limit of one minute, the shortest there is. With Slurm's own delay this takes up to two minutes, and a core of every profile for as long; `--quick` leaves it out |

All but *sealed* ask for no GPU. Files lie in `STORAGE/checks` while it runs. Afterwards, and after Ctrl-C or SIGTERM, all
its jobs are ended and its files removed; where that fails, `probe.clean` says what is left. Only on a node that
does not keep jobs apart can empty files and a sleeping process stay longer: until the time limit of the check would have been over, if
it is interrupted between *look* and *find*.

What jobs cannot show is that a rule holds on every node: each was on one. *find* must come to the node on which *look* was. It is
sent up to three times; if none does, nothing was checked by it, which is a failure: run the check again.

## As JSON

`--format json` prints one object; the last {{kept}} reports are in the database, and staff see the newest at `/staff/site`.

| key | value |
|---|---|
| `schema` | {SCHEMA}; it changes when a reader has to |
| `site` | name of the site, or the file where it cannot be read |
| `taken_at` | when, ISO 8601 with a zone |
| `version` | Sealrun's |
| `profiles` | list of the profiles that were looked at |
| `jobs` | `all`, `quick` or `none` |
| `complete` | false where the check could not go on |
| `counts` | number of findings by level: `ok`, `left_out`, `warning`, `failure` |
| `findings` | list of objects with the keys below |

| key of a finding | value |
|---|---|
| `id` | `area.what`, from the tables below; it keeps its meaning |
| `area` | the first part of the id |
| `level` | `ok`, `left_out`, `warning` or `failure` |
| `subject` | which one, where there are several: a profile, a host, a key; else empty |
| `found` | what was found |
| `meaning` | what follows from it; empty where all is well |
| `change` | file and line to change, or the command to run; empty where all is well |
"""


def page(kept: int) -> str:
    """Return the page; *kept* is how many reports the database keeps."""
    return "\n".join([_HEAD.replace("{kept}", str(kept)), *_tables()])


def _tables() -> Iterator[str]:
    for area, title in AREAS.items():
        yield f"## {title}\n"
        yield "| id | holds where all is well | else | means | to change |\n|---|---|---|---|---|"
        for rule in RULES:
            if rule.id.startswith(f"{area}."):
                level = {Level.FAILURE: "failure", Level.WARNING: "warning"}[rule.level]
                yield f"| `{rule.id}` | {rule.title} | {level} | {rule.meaning} | {_code(rule.change)} |"
        yield ""


def _code(change: str) -> str:
    return f"`{change}`".replace("|", "\\|")
