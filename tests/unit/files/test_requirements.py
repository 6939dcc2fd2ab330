import io
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.files.errors import BadArchive
from portal.files.requirements import LIMIT, asks_for_packages, read_requirements


def packed(folder: Path, **files: str) -> Path:
    path = folder / "code.tar"
    with tarfile.open(path, "w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def test_names_versions_extras_and_markers_are_taken() -> None:
    found = read_requirements(
        b"\xef\xbb\xbf# what we need\nnumpy>=1.26,<3\n\nscikit-learn[tests] ==1.5 # exactly\n"
        b'tomli; python_version < "3.11"\n'
    )

    assert [str(one) for one in found] == [
        "numpy<3,>=1.26",
        "scikit-learn[tests]==1.5",
        'tomli; python_version < "3.11"',
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("-r other.txt", "Options are not taken: only names and versions of packages."),
        ("--index-url https://a.example", "Options are not taken: only names and versions of packages."),
        ("-e .", "Options are not taken: only names and versions of packages."),
        ("./package.whl", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("/input/package", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("https://a.example/p.whl", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("git+ssh://a.example/p", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("numpy==1 \\", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("numpy --hash=sha256:00", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("p @ file:///input", "Addresses are not taken: only what this site offers is installed."),
    ],
)  # fmt: skip
def test_what_pip_would_fetch_or_run_is_refused_with_its_line(line: str, sentence: str) -> None:
    with pytest.raises(BadArchive) as refused:
        read_requirements(f"numpy\n{line}\n".encode())

    assert refused.value.reason == "requirements"
    assert refused.value.sentence == (
        f"Line 2 of requirements.txt, {line!r}, cannot be taken. {sentence}"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff", "requirements.txt is not in UTF-8."),
        (b"a" * (LIMIT + 1), f"requirements.txt is larger than {LIMIT} bytes."),
        (b"a\n" * 1001, "requirements.txt asks for more than 1000 packages."),
    ],
)
def test_what_is_no_text_or_too_much_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(BadArchive) as refused:
        read_requirements(content)

    assert refused.value.sentence == sentence


@given(st.binary(max_size=200))
def test_other_bytes_are_requirements_or_refused(content: bytes) -> None:
    found = []
    with suppress(BadArchive):
        found = read_requirements(content)

    assert all(one.url is None for one in found)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"predict": "x", "requirements__txt": "numpy\n"}, True),
        ({"predict": "x", "requirements__txt": "# nothing\n"}, False),
        ({"predict": "x", "requirements__txt": "numpy\n", "environment__yml": ""}, True),
        ({"predict": "x", "sub/requirements__txt": "-e .\n"}, False),
        ({"predict": "x"}, False),
    ],
)
def test_only_the_file_at_the_top_asks_for_packages(
    tmp_path: Path, files: dict[str, str], expected: bool
) -> None:
    assert asks_for_packages(packed(tmp_path, **files)) is expected


@pytest.mark.parametrize("name", ["environment.yml", "apt.txt"])
def test_an_environment_in_another_form_is_not_silently_left_out(tmp_path: Path, name: str) -> None:
    code = packed(tmp_path, predict="x", **{name.replace(".", "__"): "numpy"})

    with pytest.raises(BadArchive) as refused:
        asks_for_packages(code)

    assert refused.value.sentence == (
        f"{name} is not used here. Name the Python packages in requirements.txt instead."
    )
