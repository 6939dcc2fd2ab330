import io
import re
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from portal.files.archives.requirements import (
    MAX_BYTES,
    MAX_LINE_CHARS,
    MAX_NESTING,
    canonical,
    read_requirements,
    requirements_to_install,
)
from portal.files.errors import BadArchiveError, shown

OPTIONS = "Options and hashes are not taken: only names and versions of packages."
PLAIN = "Write it with plain letters, digits and quotes only."
LONG = "It is too long, or has too many parentheses."


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
    ("line", "message"),
    [
        ("-r other.txt", OPTIONS),
        ("--index-url https://a.example", OPTIONS),
        ("-e .", OPTIONS),
        ("./package.whl", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("/input/package", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("https://a.example/p.whl", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("git+ssh://a.example/p", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("numpy==1 \\", "Write a name and versions, as in: numpy>=1.26,<3"),
        ("numpy --hash=sha256:00", OPTIONS),
        ("numpy; os_name == 'x -r FILE'", OPTIONS),
        ("numpy; os_name == '-r'", OPTIONS),
        ("numpy===1.zip", "Write == instead of ===, which takes anything for a version."),
        ("numpy.zip", "It looks like the name of a file. Name the package."),
        ("numpy.tar.gz[extra]>=1", "It looks like the name of a file. Name the package."),
        ("numpy; os_name == '${HOME}'", PLAIN),
        ("numpy; os_name == 'a\\x22'", PLAIN),
        ("numpy; os_name == 'a\"b'", PLAIN),
        ("numpy; os_name == '\u00e9'", PLAIN),
        ("numpy; " + "(" * MAX_NESTING + "os_name == 'a'" + ")" * (MAX_NESTING - 1),
         "Write a name and versions, as in: numpy>=1.26,<3"),
        ("numpy; os_name == '(' " + "and (os_name == 'a'" * MAX_NESTING, LONG),
        ("numpy" + " " * MAX_LINE_CHARS + ">1", LONG),
        ("p @ file:///input", "Addresses are not taken: only what this site offers is installed."),
    ],
)  # fmt: skip
def test_what_pip_would_fetch_or_run_is_refused_with_its_line(line: str, message: str) -> None:
    with pytest.raises(BadArchiveError) as refused:
        read_requirements(f"numpy\n{line}\n".encode())

    assert refused.value.reason == "requirements"
    assert refused.value.message == (
        f"Line 2 of requirements.txt, {shown(line)}, cannot be taken. {message}"
    )


@pytest.mark.parametrize("character", "\0\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
def test_no_line_hides_another_from_an_editor(character: str) -> None:
    assert read_requirements(f"# a comment {character.isprintable()}\n".encode()) == []
    with pytest.raises(BadArchiveError, match="cannot be seen and breaks the line"):
        read_requirements(f"# a comment{character}numpy\n".encode())


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 300, 3000, 30_000])
def test_parentheses_without_number_are_refused_before_anything_reads_them(depth: int) -> None:
    content = b"numpy; " + b"(" * depth + b"os_name == 'a'" + b")" * depth

    with pytest.raises(BadArchiveError, match="too many parentheses"):
        read_requirements(content)


@pytest.mark.parametrize("coding", ["utf-7", "latin-1", "utf_16", "rot13", "utf-8-sig"])
def test_a_file_is_not_read_in_another_coding_than_it_names(coding: str) -> None:
    for start in ("", "numpy\n"):
        with pytest.raises(BadArchiveError, match="leave this comment out"):
            read_requirements(f"{start}# -*- coding: {coding} -*-\n+AAo--r FILE\n".encode())


@pytest.mark.parametrize("line", ["# coding: utf-8", "#!x vim: set fileencoding=UTF-8 :"])
def test_the_usual_coding_may_be_named(line: str) -> None:
    assert canonical(read_requirements(f"{line}\nnumpy\n".encode())) == "numpy\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "requirements.txt is not in UTF-8."),
        (b"a" * (MAX_BYTES + 1), f"requirements.txt is larger than {MAX_BYTES} bytes."),
        (b"a\n" * 1001, "requirements.txt asks for more than 1000 packages."),
    ],
)
def test_what_is_no_text_or_too_much_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(BadArchiveError) as refused:
        read_requirements(content)

    assert refused.value.message == message


@given(st.binary(max_size=200))
def test_other_bytes_are_requirements_or_refused(content: bytes) -> None:
    found = []
    with suppress(BadArchiveError):
        found = read_requirements(content)

    assert all(one.url is None for one in found)


REQUIREMENT = st.text(alphabet="abz019 ._-,;<>=!~+*()[]\"'#$\\{}:/@\t\n\r\u2028", max_size=40)


@settings(max_examples=500)
@given(
    st.sampled_from(["", "numpy", "numpy;os_name==", "a[b]==1;os_name=='", "# coding:"]),
    REQUIREMENT,
)
def test_pip_reads_what_we_write_as_we_do(start: str, rest: str) -> None:
    """pip's own steps on each line, as of its module ``req_file``: none may find anything to do."""
    try:
        found = read_requirements((start + rest).encode())
    except BadArchiveError:
        return
    text = canonical(found)

    lines = text.encode("ascii").decode().splitlines()
    assert len(lines) == len(found)
    for line, requirement in zip(lines, found, strict=True):
        assert not line.endswith("\\")
        assert re.search(r"(^|\s+)#.*$", line) is None
        assert re.search(r"\$\{[A-Z0-9_]+\}", line) is None
        assert not any(word.startswith("-") for word in line.split(" "))
        assert Requirement(line) == requirement


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"predict": "x", "requirements__txt": "numpy\n"}, "numpy\n"),
        ({"predict": "x", "requirements__txt": "# nothing\n"}, ""),
        ({"predict": "x", "requirements__txt": "numpy\n", "environment__yml": ""}, "numpy\n"),
        ({"predict": "x", "sub/requirements__txt": "-e .\n"}, ""),
        ({"predict": "x"}, ""),
    ],
)
def test_only_the_file_at_the_top_asks_for_packages(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    assert requirements_to_install(packed(tmp_path, **files)) == expected


@pytest.mark.parametrize("name", ["environment.yml", "apt.txt"])
def test_an_environment_in_another_form_is_not_silently_left_out(tmp_path: Path, name: str) -> None:
    code = packed(tmp_path, predict="x", **{name.replace(".", "__"): "numpy"})

    with pytest.raises(BadArchiveError) as refused:
        requirements_to_install(code)

    assert refused.value.message == (
        f"{name} is not used here. Name the Python packages in requirements.txt instead."
    )
