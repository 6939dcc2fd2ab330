"""What a worker does with files, beside its passes."""

from enum import StrEnum


class Part(StrEnum):
    """What is done with the files of a subject."""

    PREPARE = "prepare"  #: an upload is looked at, unpacked, and carried to the nodes
    AHEAD = "ahead"  #: an image is looked through before its build is opened
    LOOK = "look"  #: the marks of an attempt are fetched, to see whether its script has ended
    FETCH = "fetch"  #: what an attempt left is fetched from the nodes
    TAKE = "take"  #: what it made is put where it is kept
    DROP = "drop"  #: the copy that an image was built of is removed
    EXPIRE = "expire"  #: what nobody keeps any longer is deleted
    SWEEP = "sweep"  #: what killed processes left half written is removed
