"""Hostile programs that are submitted; each leaves valid predictions too, so that one that works is scored."""

import shutil
import zipfile
from pathlib import Path

from examples.digits.example_submissions import SOURCES
from site_config.practice.machine.files import remove_tree

INPUT = "os.environ['SEALRUN_INPUT'] + '/images.csv'"
OUTPUT = "os.environ['SEALRUN_OUTPUT'] + '/'"
LATE = 8
"""Seconds that a program sleeps after it has answered; below the time limit of the site."""
PROGRAMS = {
    # Both carry a private value out: into the log, into what the scorer gets, and beside it.
    "print_input": f"""
        text = open({INPUT}).read()
        print("LEAK", text, "LEAK")
        print("LEAK", text, file=sys.stderr)
        answers.write()
        open({OUTPUT} + "leak.csv", "w").write("LEAK " + text)
    """,
    "ends_at_once": "answers.write()",
    "ends_late": f"answers.write(); time.sleep({LATE})",
    "fails_by_code": "answers.write(); sys.exit(len(open(" + INPUT + ").readline()) % 7 + 1)",
    "fails_by_silence": "pass",
    "fails_by_format": "answers.write(confidence='nan')",
    "fails_by_signal": "answers.write(); os.kill(os.getpid(), 11)",
    "symlink": f"os.symlink('/etc/passwd', {OUTPUT} + 'predictions.csv')",
    "symlink_beside": f"answers.write(); os.symlink('/etc', {OUTPUT} + 'etc')",
    "hardlink": f"answers.write(); os.link({OUTPUT} + 'predictions.csv', {OUTPUT} + 'again.csv')",
    "fifo": f"os.mkfifo({OUTPUT} + 'predictions.csv')",
    "socket": f"answers.write(); socket.socket(socket.AF_UNIX).bind({OUTPUT} + 'socket')",
    # What Apptainer writes where an image does not start, after the data was read.
    "says_fatal": f"open({INPUT}).read(); os.write(2, b'FATAL: could not start'); sys.exit(255)",
    # Over its limit while it runs, and then it waits to be looked at. It gives up where nothing more can be written.
    "floods_and_stays": f"""
        answers.write()
        kept = open({OUTPUT} + "kept", "wb", buffering=0)
        try:
            while kept.write(bytes(1_000_000)):
                pass
        except OSError:
            pass
        time.sleep({LATE})
        sys.exit(1)
    """,
    "busy": "answers.write(); end = time.monotonic() + 300\nwhile time.monotonic() < end: pass",
}
OF_THE_EXAMPLE = ("memory.zip", "timeout.zip", "flood.zip", "many_files.zip", "forged_score.zip")
USUAL = ("knn.zip", "predictions.csv")


def write_example(digits: Path, folder: Path) -> Path:
    """Return the example as a private challenge: its failures are sealed, its submissions hostile."""
    remove_tree(folder)
    submissions = folder / "submissions"
    submissions.mkdir(parents=True)
    (folder / "data").symlink_to(digits / "data")
    shutil.copytree(digits / "challenge", folder / "challenge")
    settings = folder / "challenge/challenge.yaml"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if "failures: typed" not in line))
    for name in (*OF_THE_EXAMPLE, *USUAL, "expected.json"):
        shutil.copy(digits / "submissions" / name, submissions)
    for name, program in PROGRAMS.items():
        _write(submissions / f"{name}.zip", program)
    return folder


def _write(path: Path, program: str) -> None:
    lines = [line.removeprefix(" " * 8) for line in program.strip("\n").splitlines()]
    head = ["import os, socket, sys, time", "import answers"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("predict.py", "\n".join([*head, *lines]) + "\n")
        archive.writestr("answers.py", (SOURCES / "answers.py").read_text("utf-8"))
