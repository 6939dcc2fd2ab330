"""Every layer of an uploaded image is looked into before anything unpacks it."""

import gzip
import json
import tarfile

import pytest
import zstandard

from portal.files.errors import BadArchiveError
from portal.files.images import streams as image_streams
from portal.files.images.inspection import ImageLimits, inspect_image, inspect_layers, inspect_whole
from portal.files.images.layers import LayerLimits
from tests.support.uploads.images import USUAL, both, docker, entry, layer, oci

NO_WHITEOUT = (
    "'{}' is no proper mark of a deleted file. Names that begin with .wh. are kept for those."
)
TOO_MANY = (
    "Layer 2 of the image: The image's layers hold more than 10 files. Leave out what is not needed,"
    " such as caches and package sources."
)
TOO_SLOW = (
    "Layer 1 of the image: Looking through the image took more than 0 seconds. Make it smaller and"
    " submit it again."
)


def zstd(content):
    return zstandard.ZstdCompressor().compress(content)


def refusal(make_tar, members):
    """Return why an image is refused: the same by each way to look at it."""
    plain, *others = [
        refused(make_tar(*members.items(), mode=mode), inspect)
        for mode, inspect in (("w", inspect_layers), ("w", inspect_whole), ("w:gz", inspect_whole))
    ]
    assert others == [plain, plain]
    return plain


def refused(source, inspect, **options):
    with pytest.raises(BadArchiveError) as caught:
        inspect(source, **options)
    return caught.value.reason, caught.value.message


@pytest.mark.parametrize("layout", [docker, oci])
@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstd])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_what_is_usual_in_images_passes(make_tar, layout, packed, mode):
    members = layout(USUAL, layer(entry("a", content=b"a" * 100_000)), packed=packed)

    source = make_tar(*members.items(), mode=mode)
    inspect_layers(source)

    found = inspect_whole(source)
    assert found == inspect_image(source)
    assert (found.layout, found.layers) == (layout.__name__, 2)


@pytest.mark.parametrize(
    ("bad", "reason", "message"),
    [
        (entry("../x"), "name", "The name '../x' leads out of the image."),
        (entry("a/../../x"), "name", "The name 'a/../../x' leads out of the image."),
        (entry("a" * 256), "name", f"The name '{'a' * 99}...' is too long."),
        (entry("a/" * 128 + "a"), "name", f"The name '{('a/' * 50)[:99]}...' is too deep."),
        (entry("srv/sda", tarfile.BLKTYPE), "kind", "'srv/sda' is a device. Leave it out."),
        (entry("a/dev/null", tarfile.CHRTYPE), "kind", "'a/dev/null' is a device. Leave it out."),
        (entry("run/p", tarfile.FIFOTYPE), "kind", "'run/p' is a pipe. Leave it out."),
        (
            entry("/", tarfile.SYMTYPE, target="x"),
            "kind",
            "The root of the image is a symbolic link, not a directory.",
        ),
        (
            entry("a", tarfile.LNKTYPE, target="../../etc/shadow"),
            "link",
            "The hard link 'a' leads out of the image. Leave it out.",
        ),
        *(
            (
                entry(name, content=content),
                "whiteout",
                NO_WHITEOUT.format(name),
            )
            for name, content in [
                ("a/.wh.", b""),
                ("a/.wh..", b""),
                ("a/.wh...", b""),
                ("a/.wh..wh.aufs", b""),
                ("a/.wh.b", b"content"),
                ("a/.wh.b/c", b""),
            ]
        ),
    ],
)
def test_what_may_not_be_in_a_layer_is_refused(make_tar, bad, reason, message):
    members = docker(USUAL, layer(entry("same"), bad))

    assert refusal(make_tar, members) == (reason, f"Layer 2 of the image: {message}")


@pytest.mark.parametrize(
    "odd",
    [
        [entry("dev/null", tarfile.CHRTYPE), entry("dev/sda", tarfile.BLKTYPE)],
        [entry("usr/lib/hosts", tarfile.SYMTYPE, target="../../../../etc/hosts")],
        [entry("same"), entry("same")],
    ],
    ids=["devices below dev", "a link that climbs too high", "a file twice"],
)
def test_what_base_images_have_and_other_tools_take_passes(make_tar, odd):
    inspect_layers(make_tar(*docker(USUAL, layer(*odd)).items()))


@pytest.mark.parametrize("blocks", [0, 1])
def test_a_layer_without_zeros_at_its_end_passes(make_tar, blocks):
    whole = layer(entry("a", content=b"1"))
    end = len(whole.rstrip(b"\0"))
    cut = whole[: -(-end // 512) * 512 + 512 * blocks]

    assert len(cut) == 1024 + 512 * blocks
    inspect_layers(make_tar(*docker(cut).items()))


@pytest.mark.parametrize("layout", [docker, oci])
def test_a_layer_that_the_configuration_does_not_list_is_refused(make_tar, layout):
    diff_ids = ["sha256:" + "0" * 64]
    members = layout(USUAL)
    changed = json.dumps({"rootfs": {"diff_ids": diff_ids}}).encode()
    if layout is docker:
        manifest = [{"Config": "config.json", "Layers": ["0/layer.tar"]}]
        members |= {"config.json": changed, "manifest.json": json.dumps(manifest).encode()}
    else:
        members = oci(USUAL, packed=lambda _: layer(entry("other")))

    assert refusal(make_tar, members) == (
        "digest",
        "Layer 1 is not the one that the image's configuration lists. Save the image again.",
    )


def test_a_blob_that_is_not_what_its_name_says_is_refused(make_tar):
    name = f"blobs/sha256/{'0' * 64}"
    message = f"The content of '{name}' is not what its name says. Save the image again."

    assert refusal(make_tar, oci(USUAL) | {name: b"other"}) == ("digest", message)


def test_layers_without_digests_are_refused(make_tar):
    message = (
        "The image's configuration lists 0 layers, its manifest 1. Save the image again with"
        " docker save or podman save."
    )

    assert refusal(make_tar, docker(USUAL, rootfs={})) == ("diff_ids", message)


def test_a_media_type_that_is_not_known_is_refused(make_tar):
    message = (
        "A layer of the image is of the kind 'application/x-squashfs', which is not accepted. Save"
        " the image with gzip or zstd layers."
    )
    members = oci(USUAL, mediaType="application/x-squashfs")

    assert refusal(make_tar, members) == ("media_type", message)


def test_a_size_that_is_not_the_blobs_is_refused(make_tar):
    assert refusal(make_tar, oci(USUAL, size=5))[0] == "manifest"


@pytest.mark.parametrize("packed", [gzip.compress, zstd])
def test_a_bomb_in_a_layer_is_stopped(make_tar, packed):
    members = docker(layer(entry("zeros", content=bytes(80 * 1024**2))), packed=packed)

    assert refusal(make_tar, members)[0] == "ratio"


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstd])
def test_a_cut_layer_is_damaged(make_tar, packed):
    members = docker(USUAL, packed=lambda content: packed(content)[:100])

    # A layer that is cut between two entries is whole as a tar, and not the one that was promised.
    assert refusal(make_tar, members)[0] in {"damaged", "digest"}


def test_entries_after_the_end_are_refused(make_tar):
    assert refusal(make_tar, docker(USUAL + USUAL))[0] == "damaged"


@pytest.mark.parametrize(
    ("limits", "reason", "message"),
    [
        (
            LayerLimits(entries=10),
            "too_many",
            TOO_MANY,
        ),
        (
            LayerLimits(size=10_000),
            "too_large",
            "Layer 1 of the image: The image unpacks to more than 10000 bytes, the limit.",
        ),
        (
            LayerLimits(seconds=0),
            "too_slow",
            TOO_SLOW,
        ),
    ],
)
def test_all_layers_together_have_limits(make_tar, limits, reason, message):
    plain = make_tar(*docker(USUAL, USUAL).items())
    assert refused(plain, inspect_layers, layers=limits) == (reason, message)

    packed = make_tar(*docker(USUAL, USUAL).items(), mode="w:gz")
    # It is not known yet of which image it is when the time is over.
    told = message.removeprefix("Layer 1 of the image: ") if reason == "too_slow" else message
    assert refused(packed, inspect_whole, layers=limits) == (reason, told)


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize(("mode", "inspect"), [("w", inspect_layers), ("w:gz", inspect_whole)])
def test_of_several_images_the_layers_of_the_chosen_one_are_looked_into(
    make_tar, architecture, mode, inspect
):
    good = docker(USUAL, architecture=architecture)
    bad = docker(layer(entry("../x")), architecture={"amd64": "arm64"}.get(architecture, "amd64"))
    source = make_tar(*both(good, bad).items(), mode=mode)

    inspect(source, ImageLimits(architecture=architecture))
    with pytest.raises(BadArchiveError, match="leads out of the image"):
        inspect(source, ImageLimits(architecture=json.loads(config_of(bad))["architecture"]))


def test_a_small_layer_that_begins_like_a_manifest_is_looked_into(make_tar):
    members = docker(layer(entry("{", content=b"a"), entry("../x")))

    assert refusal(make_tar, members)[1] == (
        "Layer 1 of the image: The name '../x' leads out of the image."
    )


def test_what_looks_like_manifests_may_not_be_more_than_is_kept(make_tar, monkeypatch):
    monkeypatch.setattr(image_streams, "MAX_KEPT_BYTES", 10_000)
    members = docker(USUAL)
    source = make_tar(*members.items(), mode="w:gz")
    assert inspect_whole(source).layers == 1

    source = make_tar(*members.items(), ("notes.json", b"[" + bytes(10_000)), mode="w:gz")
    assert refused(source, inspect_whole)[0] == "manifest"


def config_of(members):
    (name,) = [name for name in members if name.endswith(".json")]
    return members[name]
