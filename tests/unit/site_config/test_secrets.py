import pytest

from site_config.site_loader import SECRET_LIMIT, read_secret


@pytest.fixture
def secret_file(tmp_path):
    def write(content, mode=0o640):
        file = tmp_path / "secret"
        file.write_bytes(content)
        file.chmod(mode)
        return file

    return write


def test_a_secret_is_read_without_its_line_end(secret_file):
    assert read_secret(secret_file(b"hunter2\n")) == "hunter2"


def test_a_secret_that_everybody_can_read_is_refused(secret_file):
    file = secret_file(b"hunter2\n", 0o644)

    with pytest.raises(ValueError) as caught:
        read_secret(file)

    assert str(caught.value) == (f"{file} is open to everybody; make it readable by its owner only")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="blank"),
        pytest.param(b"hunter2\nhunter3\n", id="two-lines"),
        pytest.param(b"h" * (SECRET_LIMIT + 1), id="long"),
        pytest.param(b"hunter2\x00", id="control-character"),
    ],
)
def test_what_is_not_one_line_is_refused_without_showing_it(secret_file, content):
    file = secret_file(content)

    with pytest.raises(ValueError) as caught:
        read_secret(file)

    assert str(caught.value) == f"{file} must hold the secret on one line and nothing else"
