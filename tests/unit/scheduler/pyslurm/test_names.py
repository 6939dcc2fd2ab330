"""Every name of pyslurm's that the child and the stand-in use is one that pyslurm 25.11 has.

pyslurm cannot be built here, so its names are recorded from its sources: see ``tests/support/recordings/record_pyslurm.py``.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduler.interface import JobSpec, Token
from scheduler.pyslurm import process as pyslurm_process
from scheduler.pyslurm.submit import description
from tests.support.servers.standin_cluster import STANDIN

TREE = Path(__file__).parents[4]
RECORDING = TREE / "tests/support/recordings/pyslurm-25.11.2/names.json"
NAMES = json.loads(RECORDING.read_text())
CHILD = Path(pyslurm_process.__file__).read_text()

JOBS = ("pyslurm.core.job.job.Job", "pyslurm.db.job.Job")
# What the child's variables hold; those that are not here hold nothing of pyslurm's.
VARIABLES = {
    "job": JOBS,
    "description": ("pyslurm.core.job.submission.JobSubmitDescription",),
    "config": ("pyslurm.core.slurmctld.config.Config",),
    "refused": ("pyslurm.core.error.RPCError",),
}
OF_ONE_KIND = {"allocated_nodes": JOBS[0], "cancel": JOBS[0], "nodelist": JOBS[1]}
"""What only jobs of the queue, or only those of accounting have."""


def test_the_recording_is_of_the_release_that_the_extra_asks_for() -> None:
    assert NAMES["source"] == "pyslurm-25.11.2.tar.gz"
    assert len(NAMES["sha256"]) == 64
    extra = (TREE / "pyproject.toml").read_text()
    assert '"pyslurm>=25.11,<25.12"' in extra


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def home_of(name: str) -> str:
    """Return the module or class that ``name`` reaches through the packages' own imports; "" where there is none."""
    package, _, last = name.rpartition(".")
    if name in NAMES["modules"] or name in NAMES["classes"]:
        return name
    if last not in NAMES["names"].get(home_of(package) if package else "", ()):
        return ""
    places = [*NAMES["modules"], *NAMES["classes"]]
    within = f"{home_of(package)}."
    # pyslurm.slurmctld is pyslurm.core.slurmctld, and pyslurm.db.Jobs is pyslurm.db.job.Jobs.
    found = [place for place in places if place.endswith(f".{last}")]
    inside = [place for place in found if place.startswith(within)]
    near = [place for place in inside if not place.startswith("pyslurm.db.") or "db" in within]
    return (near or found or [within + last])[0]


def is_there(name: str) -> bool:
    """Tell whether pyslurm has ``name``, which starts with ``pyslurm`` and may go on in a class."""
    package, _, last = name.rpartition(".")
    home = home_of(package)
    return last in NAMES["classes"].get(home, ()) or last in NAMES["names"].get(home, ())


def used() -> Iterator[str]:
    """Yield what the child reaches through ``pyslurm``, the longest chains only."""
    chains = {
        dotted(node) for node in ast.walk(ast.parse(CHILD)) if isinstance(node, ast.Attribute)
    }
    ours = {chain.removesuffix(".values") for chain in chains if chain.startswith("pyslurm.")}
    return (chain for chain in ours if not any(other.startswith(f"{chain}.") for other in ours))


@pytest.mark.parametrize("name", sorted(used()))
def test_the_child_uses_what_is_there(name: str) -> None:
    assert is_there(name)


@pytest.mark.parametrize(
    "name", ["pyslurm.nothing", "pyslurm.Jobs.nothing", "pyslurm.db.Nothing", "pyslurm.load"]
)
def test_what_is_not_there_would_be_found_out(name: str) -> None:
    assert not is_there(name)


def test_the_child_calls_no_module() -> None:
    called = {
        dotted(node.func) for node in ast.walk(ast.parse(CHILD)) if isinstance(node, ast.Call)
    }

    assert not called & set(NAMES["modules"])


def test_the_modules_that_the_child_imports_by_name_are_there() -> None:
    texts = {node.value for node in ast.walk(ast.parse(CHILD)) if isinstance(node, ast.Constant)}
    modules = {text for text in texts if isinstance(text, str) and text.startswith("pyslurm.")}

    assert modules == {"pyslurm.core.job.job", "pyslurm.db.job"}
    assert modules <= set(NAMES["modules"])
    for module in modules:
        assert "_get_exit_code" in NAMES["names"][module]


def test_the_attributes_that_the_child_reads_are_there() -> None:
    read = {
        (node.value.id, node.attr)
        for node in ast.walk(ast.parse(CHILD))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    seen = set()
    for variable, attribute in read:
        owners = VARIABLES.get(variable, ())
        for owner in (OF_ONE_KIND[attribute],) if attribute in OF_ONE_KIND else owners:
            seen.add(variable)
            assert attribute in NAMES["classes"][owner], f"{owner}.{attribute}"

    assert seen == set(VARIABLES)


def test_a_submission_sets_attributes_that_are_there(spec: JobSpec) -> None:
    known = set(NAMES["classes"]["pyslurm.core.job.submission.JobSubmitDescription"])

    assert {"script", *description(spec, Token("a1"))} <= known


def test_accounting_is_filtered_by_attributes_that_are_there() -> None:
    calls = [node for node in ast.walk(ast.parse(CHILD)) if isinstance(node, ast.Call)]
    (made,) = [node for node in calls if dotted(node.func) == "pyslurm.db.JobFilter"]

    assert {str(word.arg) for word in made.keywords} <= set(
        NAMES["classes"]["pyslurm.db.job.JobFilter"]
    )


def standin_names() -> Iterator[str]:
    """Yield every public name that the stand-in defines, with its module, and its class where it is in one."""
    for file in STANDIN.rglob("*.py"):
        parts = file.relative_to(STANDIN).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        if parts[-1] == "_cluster":
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                yield f"{module}.{node.name}"
                members = [each for each in node.body if isinstance(each, ast.FunctionDef)]
                fields = [each for each in node.body if isinstance(each, ast.Assign)]
                names = [each.name for each in members if not each.name.startswith("__")]
                names += [dotted(each.targets[0]) for each in fields]
                yield from (f"{module}.{node.name}.{name}" for name in names)
            elif isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}"


@pytest.mark.parametrize("name", sorted(standin_names()))
def test_the_stand_in_has_nothing_that_pyslurm_lacks(name: str) -> None:
    assert is_there(name)
