from datetime import UTC, datetime, timedelta

from portal.domain.ids import ALPHABET, ID_LENGTH, new_id, new_token

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def test_identifiers_of_one_moment_sort_in_the_order_of_their_making():
    made = [new_id(NOW) for _ in range(1000)]

    assert made == sorted(set(made))


def test_later_identifiers_sort_later():
    assert new_id(NOW) < new_id(NOW + timedelta(milliseconds=1))


def test_an_identifier_is_safe_in_paths_and_addresses():
    made = new_id(NOW)

    assert len(made) == ID_LENGTH
    assert set(made) <= set(ALPHABET)


def test_a_token_fits_slurms_job_name():
    assert new_token(NOW).startswith("sr-")
    assert len(new_token(NOW)) <= 60
