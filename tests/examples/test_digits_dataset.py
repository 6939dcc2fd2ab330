"""The data: split always alike, in parts that share nothing."""

import hashlib
import random

from examples.digits.dataset import images_csv, split, truth_csv


def test_the_parts_have_their_sizes_and_hold_every_image_once(lines, parts):
    every = [*parts.test, *parts.sample, *parts.train]

    assert [len(parts.test), len(parts.sample), len(parts.train)] == [400, 40, 1357]
    assert sorted((image.pixels, image.digit) for image in every) == sorted(
        (tuple(map(int, line.split(",")[:-1])), int(line.split(",")[-1])) for line in lines
    )


def test_no_image_is_in_two_parts(parts):
    test, sample, train = (
        {image.pixels for image in part} for part in (parts.test, parts.sample, parts.train)
    )

    assert [test & sample, test & train, sample & train] == [set(), set(), set()]


def test_the_split_does_not_depend_on_the_order_of_the_file(lines, parts):
    shuffled = random.Random(7).sample(lines, len(lines))  # noqa: S311 - only an order

    assert split(shuffled) == parts


def test_every_part_shows_every_digit(parts):
    for part in (parts.test, parts.sample, parts.train):
        assert {image.digit for image in part} == set(range(10))


def test_the_split_of_this_release_is_the_one_that_scores_were_computed_for(parts):
    digests = [
        hashlib.sha256(truth_csv(part).encode()).hexdigest()[:8]
        for part in (parts.test, parts.sample, parts.train)
    ]

    assert digests == ["bf645ad5", "071e6bd3", "c91786a8"]


def test_what_a_job_sees_of_the_images_does_not_hold_their_digits(parts):
    header, first, *_ = images_csv(parts.test).splitlines()

    assert header.split(",") == ["id", *(f"p{number:02}" for number in range(64))]
    assert first.split(",") == ["test-0001", *map(str, parts.test[0].pixels)]
    assert truth_csv(parts.test).splitlines()[0] == "id,digit"
