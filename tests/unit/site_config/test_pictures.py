"""Pictures of pages: which are found, where they lie, and what their bytes may be."""

from pathlib import PurePosixPath

import pytest

from site_config.markdown_bounds import MAX_CHARS
from site_config.pictures import media_type_of, path_of, pictures_in

PAGE = """# Cells

Text, and ![a cell](images/cell.png "One cell") in it.

- ![](plain.png)

`![none](code.png)`

:::{note} Look
![in a box](boxed.png)
:::

```{warning}
```

```
![none](fenced.png)
```
"""


def test_all_pictures_of_a_text_are_found_with_their_line_and_their_description() -> None:
    found = [(use.line, use.source, use.description) for use in pictures_in(PAGE)]

    assert found == [
        (3, "images/cell.png", "a cell"),
        (5, "plain.png", ""),
        (10, "boxed.png", "in a box"),
    ]


def test_boxes_within_boxes_are_read_to_a_depth() -> None:
    def boxed(depth: int) -> str:
        inside = "![deep](deep.png)\n"
        for level in range(depth):
            inside = f"{':' * (3 + level)}{{note}}\n{inside}{':' * (3 + level)}\n"
        return inside

    assert [len(list(pictures_in(boxed(depth)))) for depth in (1, 3, 4)] == [1, 1, 0]


def test_a_text_beyond_the_bounds_is_not_read() -> None:
    assert list(pictures_in("![x](x.png)\n" * (MAX_CHARS // 10))) == []


@pytest.mark.parametrize(
    ("source", "folder", "path"),
    [
        ("cell.png", "", "cell.png"),
        ("cell.png", "pages", "pages/cell.png"),
        ("../images/cell.png", "pages", "images/cell.png"),
        ("./a/../b%20c.png", "", "b c.png"),
        ("cell.png?v=2#top", "", "cell.png"),
        ("../cell.png", "", None),
        ("../../etc/passwd", "pages", None),
        ("/etc/passwd", "", None),
        ("https://elsewhere.example/cell.png", "", None),
        ("//elsewhere.example/cell.png", "", None),
        ("data:image/png;base64,AA", "", None),
        ("a\\b.png", "", None),
        ("..%2f..%2fetc%2fpasswd", "", None),
        ("a%00b.png", "", None),
        ("", "", None),
        ("#top", "", None),
    ],
)
def test_a_picture_lies_in_the_bundle_or_is_none(
    source: str, folder: str, path: str | None
) -> None:
    found = path_of(source, PurePosixPath(folder))

    assert (found and str(found)) == path


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0........", "image/jpeg"),
        (b"GIF89a......", "image/gif"),
        (b"GIF87a......", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"<svg xmlns=", None),
        (b"<!doctype ht", None),
        (b"", None),
    ],
)
def test_what_a_picture_is_is_said_by_its_bytes(beginning: bytes, media_type: str | None) -> None:
    assert media_type_of(beginning) == media_type
