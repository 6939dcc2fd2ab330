"""The stand-in's cluster: a file of JSON (``STANDIN``) that the test reads and changes.

``mode`` in it makes the library misbehave in the next call of ``when``, as a C library inside Python can.
"""

import json
import os
import signal
import time
from pathlib import Path

from pyslurm.core.error import RPCError

STATE = Path(os.environ["STANDIN"])
NAMES = json.loads(
    (Path(__file__).parents[3] / "recordings/pyslurm-25.11.2/names.json").read_text()
)["classes"]


def read():
    return json.loads(STATE.read_text())


def write(state):
    STATE.with_suffix(".new").write_text(json.dumps(state))
    STATE.with_suffix(".new").replace(STATE)


def only_its_own(owner, attributes):
    """Refuse, as a class of Cython does, attributes that the real one has not."""
    if strange := set(attributes) - set(NAMES[owner]):
        raise AttributeError(f"{owner} has no attribute {sorted(strange)}")


def misbehave(when):
    state = read()
    state["calls"].append(when)
    mode = state["mode"] if state["when"] == when else ""
    write(state)
    if mode:
        how, _, what = mode.partition(" ")
        MISBEHAVIOUR[how](what)


def hang(_):
    time.sleep(60)


def crash(_):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(_):
    os._exit(3)


def fatal(_):
    os.write(2, b"fatal: could not establish a configuration source\n")
    os._exit(1)


def print_a_word(_):
    os.write(1, b"slurm_load_jobs: a word of the library\n")
    print("and one of Python")  # noqa: T201


def print_endlessly(_):
    while True:
        os.write(2, b"error: the same again and again\n" * 1000)


def odd(_):
    raise RuntimeError("something else than an RPCError")


def down(_):
    raise RPCError(1, "Unable to contact slurm controller (connect failure)")


def limit(word):
    # What is printed names the limit; the sentence is the same for all.
    if word:
        os.write(2, f"python3: error: {word}\n".encode())
    raise RPCError(2050, QOS_SENTENCE)


QOS_SENTENCE = (
    "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
)
MISBEHAVIOUR = {
    "hang": hang,
    "crash": crash,
    "exit": leave,
    "fatal": fatal,
    "print": print_a_word,
    "endless": print_endlessly,
    "odd": odd,
    "down": down,
    "limit": limit,
}
