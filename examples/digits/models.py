"""The three honest models, in integers only, so that every machine gives the same answers.

`knn` and `centroid` say what the submissions of these names must answer; they are written apart from
the programs that run on the cluster. `row_sums` makes the results file.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from operator import mul

from examples.digits.dataset import Image

Answer = tuple[int, str]
NEIGHBOURS = 3


def knn(train: Sequence[Image], images: Sequence[Image]) -> dict[str, Answer]:
    """Let the three nearest images vote; the nearer one decides a draw."""
    lengths = [sum(map(mul, image.pixels, image.pixels)) for image in train]

    def answer(image: Image) -> Answer:
        distances = [
            length - 2 * sum(map(mul, image.pixels, other.pixels))
            for length, other in zip(lengths, train, strict=True)
        ]
        nearest = sorted(range(len(train)), key=distances.__getitem__)[:NEIGHBOURS]
        votes = Counter(train[index].digit for index in nearest)
        digit, count = votes.most_common(1)[0]
        return digit, f"{count / NEIGHBOURS:.3f}"

    return {image.id: answer(image) for image in images}


def centroids(train: Sequence[Image]) -> list[tuple[int, ...]]:
    """Return the mean image of each digit, in hundredths of a pixel value."""
    return [_mean([image.pixels for image in train if image.digit == digit]) for digit in range(10)]


def centroid(train: Sequence[Image], images: Sequence[Image]) -> dict[str, Answer]:
    """Name the digit with the nearest mean image."""
    return _nearest(centroids(train), images, lambda pixels: pixels)


def row_sums(train: Sequence[Image], images: Sequence[Image]) -> dict[str, Answer]:
    """Look only at how much ink there is in each of the eight rows: a poorer rule."""
    means = [
        _mean([_rows(image.pixels) for image in train if image.digit == digit])
        for digit in range(10)
    ]
    return _nearest(means, images, _rows)


def _nearest(
    means: Sequence[tuple[int, ...]],
    images: Sequence[Image],
    features: Callable[[tuple[int, ...]], tuple[int, ...]],
) -> dict[str, Answer]:
    def answer(image: Image) -> Answer:
        values = features(image.pixels)
        distances = [
            sum((100 * value - mean) ** 2 for value, mean in zip(values, centre, strict=True))
            for centre in means
        ]
        best, second = sorted(range(10), key=distances.__getitem__)[:2]
        # From 0.5 where two means are equally near to 1 on top of one of them.
        share = distances[second] / (distances[best] + distances[second])
        return best, f"{share:.3f}"

    return {image.id: answer(image) for image in images}


def _rows(pixels: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sum(pixels[start : start + 8]) for start in range(0, 64, 8))


def _mean(vectors: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(100 * sum(column) // len(vectors) for column in zip(*vectors, strict=True))
