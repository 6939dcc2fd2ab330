from pathlib import PurePosixPath

import pytest

from containers.definitions import definition

BASE = PurePosixPath("/local/t/base.sif")
FILES = PurePosixPath("/local/t/submission")


def test_the_definition_is_exactly_this() -> None:
    assert definition(base=BASE, files=FILES) == (
        "Bootstrap: localimage\n"
        "From: /local/t/base.sif\n"
        "\n"
        "%files\n"
        "    /local/t/submission/. /submission\n"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/a b",
        "/a\n%post",
        "/a\t/etc",
        "a",
        "/a/../b",
        "/*",
        "/{{ x }}",
        '/"a"',
        "/a:b",
        "/$HOME",
        "/a\n",
    ],
)
def test_a_path_that_would_be_read_as_something_else_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="definition file"):
        definition(base=PurePosixPath(path), files=FILES)
    with pytest.raises(ValueError, match="definition file"):
        definition(base=BASE, files=PurePosixPath(path))
