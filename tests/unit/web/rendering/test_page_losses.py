"""What a page cannot show is shown with its line."""

import pytest

from portal.web.rendering.page_losses import losses_of

PAGE = r"""# Data

The field in May: ![map of the field](https://maps.example/map.png) and
[the list](files/list.csv) and [elsewhere](https://data.example.org).

* [by mail](mailto:a@b.example), [here](/challenges/wheat)
* [old](ftp://data.example.org/x) and
  $\foo$

| a |
|---|
| [b](#b) |

$$
\begin{tabular}
$$

![shown](map.png)

:::{note}
![again](https://maps.example/map.png)
:::
"""


IMAGE = (
    "the picture 'https://maps.example/map.png' is left out, and its description shown:"
    " pages show pictures that are in the challenge's directory"
)
FORMULA = "the formula is shown as it is written: pages cannot convert it"
NOWHERE = "leads nowhere: files of the challenge have no address on the site; write a whole one"


def test_each_loss_has_its_line() -> None:
    assert losses_of(PAGE) == [
        (3, IMAGE),
        (4, f"the link to 'files/list.csv' {NOWHERE}"),
        (7, "the link to 'ftp://data.example.org/x' is left out: links are http, https or mailto"),
        (8, FORMULA),
        (12, f"the link to '#b' {NOWHERE}"),
        (14, FORMULA),
        (21, IMAGE),
    ]


@pytest.mark.parametrize(
    "text", ["", "It costs $5.", "$x$ and [a](https://b.example)", "<b>x</b>", "`![a](b)`"]
)
def test_what_is_shown_is_no_loss(text: str) -> None:
    assert losses_of(text) == []
