"""Tracks of tests: together, each in its order, and ended whole."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from tests.tracks import Step, Track, Tracks


def python(name: str, code: str) -> Step:
    return Step(name=name, argv=[sys.executable, "-c", code])


def tracks_of(said: list[str], folder: Path) -> Tracks:
    """Return tracks whose clock stands still: how long a step takes depends on the machine."""
    return Tracks(cwd=folder, environment=dict(os.environ), say=said.append, clock=lambda: 0.0)


def test_tracks_run_at_the_same_time_and_their_steps_one_after_the_other(tmp_path: Path) -> None:
    wait = "import pathlib, time\nwhile not pathlib.Path('{}').exists(): time.sleep(0.01)"
    touch = "import pathlib; pathlib.Path('{}').touch()"
    both = python("first", f"{touch.format('a')}\n{wait.format('b')}")
    after = python(
        "second", "import pathlib; print(sorted(p.name for p in pathlib.Path().iterdir()))"
    )
    other = python("other", f"{wait.format('a')}\n{touch.format('b')}")
    said: list[str] = []

    failed = tracks_of(said, tmp_path).run([Track(steps=[both, after]), Track(steps=[other])])

    assert failed == []
    assert any("== second\n['a', 'b']\n== second: ok, 0 s" in text for text in said)


def test_what_fails_is_named_with_all_that_it_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    said: list[str] = []

    failed = tracks_of(said, tmp_path).run(
        [Track(steps=[python("bad", "print('why'); raise SystemExit(3)"), python("good", "")])]
    )

    assert failed == ["bad"]
    assert said == [
        "\n== bad: begun",
        "\n== bad\nwhy\n== bad: FAILED, 0 s",
        "\n== good: begun",
        "\n== good\n\n== good: ok, 0 s",
    ]


def test_an_interruption_ends_every_step_and_begins_no_other(tmp_path: Path) -> None:
    """As on Ctrl-C, which reaches the main thread only."""
    said: list[str] = []
    note = "import os, pathlib, time; pathlib.Path(str(os.getpid())).touch(); time.sleep(60)"

    def interrupt() -> None:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, stop)
    interrupted = threading.Thread(target=interrupt)
    interrupted.start()
    try:
        tracks_of(said, tmp_path).run(
            [
                Track(steps=[python("one", note), python("never", "")]),
                Track(steps=[python("two", note)]),
            ]
        )
    except KeyboardInterrupt:
        ended = True
    else:
        ended = False
    finally:
        signal.signal(signal.SIGUSR1, before)
        interrupted.join()

    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert ended
    assert len(pids) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "\n== never: begun" not in said


def test_a_step_has_a_folder_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, tempfile\n"
        "for _ in range(2000):\n"
        "    os.mkdir('deep'); os.chdir('deep')\n"
        "pathlib.Path('{}').write_text(tempfile.gettempdir())"
    )
    chdir = "import os, tempfile; os.chdir(tempfile.gettempdir())\n"
    notes = [tmp_path / "one", tmp_path / "two"]
    steps = [python(note.name, chdir + code.format(note)) for note in notes]

    failed = tracks_of([], tmp_path).run([Track(steps=steps)])

    folders = {Path(note.read_text()) for note in notes}
    assert failed == []
    assert len(folders) == 2
    assert not any(folder.exists() for folder in folders)
