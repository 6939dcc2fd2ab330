import gzip
import hashlib
import io
import json
import tarfile
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.files.errors import BadArchiveError
from portal.files.images.inspection import IMAGE_LIMITS, FoundImage, ImageLimits, inspect_image
from tests.support.uploads.images import CONFIG, docker_members, link, sif

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class Oci:
    """The members of an OCI layout, with what each blob is called."""

    def __init__(self):
        self.members = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(self, value, **more):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        digest = hashlib.sha256(content).hexdigest()
        self.members[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)} | more

    def image(self, config=CONFIG, layers=(b"one", b"two"), **more):
        manifest = {
            "config": self.blob(config),
            "layers": [self.blob(layer) for layer in layers],
        }
        return self.blob(manifest, **more)

    def finish(self, *descriptors):
        self.members["index.json"] = json.dumps({"manifests": list(descriptors)}).encode()
        return self.members


def packed(make_tar, members, **options):
    return make_tar(*members.items(), **options)


def refusal(source, limits=IMAGE_LIMITS):
    with pytest.raises(BadArchiveError) as caught:
        inspect_image(source, limits)
    return caught.value.reason, caught.value.message


DOCKER = FoundImage(format="archive", layout="docker", layers=2, architecture="amd64")
OCI = FoundImage(format="archive", layout="oci", layers=2, architecture="amd64")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_docker_archive_is_described(make_tar, mode):
    assert inspect_image(packed(make_tar, docker_members(), mode=mode)) == DOCKER


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_oci_layout_is_described(make_tar, mode):
    oci = Oci()

    source = packed(make_tar, oci.finish(oci.image()), mode=mode)

    assert inspect_image(source) == OCI


def test_an_archive_in_both_layouts_is_read_as_apptainer_reads_it(make_tar):
    oci = Oci()

    assert inspect_image(packed(make_tar, oci.finish(oci.image()) | docker_members())) == OCI


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_a_mark_of_the_other_layout_may_not_be_a_link(make_tar, name):
    oci = Oci()
    members = oci.finish(oci.image()) | docker_members()
    members["elsewhere"] = members.pop(name)

    assert refusal(make_tar(*members.items(), link(name, "elsewhere"))) == MANIFEST


def test_leading_dots_mean_nothing(make_tar):
    members = {f"./{name}": content for name, content in docker_members().items()}

    assert inspect_image(packed(make_tar, members)) == DOCKER


def test_statements_of_a_builder_are_passed_over(make_tar):
    oci = Oci()
    statement = oci.image(layers=[b"x"], platform={"os": "unknown", "architecture": "unknown"})
    image = oci.image()
    inner = oci.blob({"manifests": [image, statement]}, mediaType=INDEX_TYPE)

    found = inspect_image(packed(make_tar, oci.finish(inner)))

    assert found == replace(OCI, chosen=found.chosen)
    assert json.loads(found.chosen) == alone(image)


def alone(image):
    """The index that names one image and nothing else."""
    listed = {"mediaType": "application/vnd.oci.image.manifest.v1+json"} | image
    named = {key: listed[key] for key in ("mediaType", "digest", "size")}
    return {"schemaVersion": 2, "manifests": [named]}


def test_layers_may_have_second_names_as_podman_gives_them(make_tar):
    members = docker_members(layers=["1.tar", "2.tar"])

    source = make_tar(*members.items(), link("a/layer.tar", "../1.tar"))

    assert inspect_image(source) == DOCKER


def test_a_layer_may_be_named_through_a_link(make_tar):
    members = docker_members(layers=["1.tar", "b/layer.tar"])
    del members["b/layer.tar"]

    assert inspect_image(make_tar(*members.items(), link("b/layer.tar", "../1.tar"))) == DOCKER


def test_a_sif_is_described(make_file):
    assert inspect_image(make_file(sif())) == FoundImage(
        format="sif", architecture="amd64", system=1
    )


def test_of_a_sif_it_is_told_whether_somebody_signed_it(make_file):
    assert inspect_image(make_file(sif(signed=True))).is_signed


def test_a_sif_that_is_encrypted_is_refused(make_file):
    message = "The image is encrypted. Build it without --encrypt."

    assert refusal(make_file(sif(file_system=5))) == ("sif", message)


def test_a_sif_for_other_machines_is_refused(make_file):
    message = (
        "The image is made for 'arm64', but the nodes are amd64. Build it with"
        " --platform linux/amd64."
    )

    assert refusal(make_file(sif(architecture=b"04\0"))) == ("architecture", message)


RECIPE = (
    "A definition file or Dockerfile is not accepted: submit the image that it makes (kind 'image',"
    " from docker save or apptainer build), or only your files (kind 'code')."
)
NO_IMAGE = (
    "This is not an image. Submit the file that docker save, podman save or apptainer build has"
    " written."
)
EXPORT = (
    "The archive has no manifest.json and no index.json, so it is not an image. Use docker save or"
    " podman save, not docker export."
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"Bootstrap: docker\n", ("recipe", RECIPE), id="definition-file"),
        pytest.param(b"FROM debian\n", ("recipe", RECIPE), id="dockerfile"),
        pytest.param(b"hello", ("not_an_image", NO_IMAGE), id="text"),
        pytest.param(b"", ("not_an_image", NO_IMAGE), id="empty"),
        pytest.param(b"PK\x03\x04" + bytes(100), ("not_an_image", NO_IMAGE), id="zip"),
        pytest.param(
            b"\x28\xb5\x2f\xfd",
            ("compression", "Zstandard is not accepted here. Pack the files as a tar.gz or a zip."),
            id="zstd",
        ),
        pytest.param(bytes(1024), ("not_an_image", EXPORT), id="empty-tar"),
    ],
)
def test_what_is_no_image_is_refused(make_file, content, expected):
    assert refusal(make_file(content)) == expected


def test_an_exported_file_system_is_told_from_an_image(make_tar):
    source = make_tar(("bin/sh", b""), link("sbin", "/bin"), link("a", "bin/sh", tarfile.LNKTYPE))

    assert refusal(source) == ("not_an_image", EXPORT)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        pytest.param(
            link("x", "/etc/passwd"),
            ("kind", "In the image archive, 'x' is a symbolic link."),
            id="link-to-host",
        ),
        pytest.param(
            link("a/x", "../../etc/passwd"),
            ("kind", "In the image archive, 'a/x' is a symbolic link."),
            id="link-upwards",
        ),
        pytest.param(
            link("x", "config.json", tarfile.LNKTYPE),
            ("kind", "In the image archive, 'x' is a hard link."),
            id="hard-link",
        ),
        pytest.param(
            link("x", "", tarfile.CHRTYPE),
            ("kind", "In the image archive, 'x' is a device."),
            id="device",
        ),
        pytest.param(
            link("x", "", tarfile.FIFOTYPE),
            ("kind", "In the image archive, 'x' is a pipe."),
            id="fifo",
        ),
        pytest.param(
            ("../x", b""), ("name", "The image archive has the unsafe name '../x'."), id="upwards"
        ),
        pytest.param(
            ("/x", b""), ("name", "The image archive has the unsafe name '/x'."), id="absolute"
        ),
        pytest.param(
            ("a\nb", b""), ("name", "The image archive has the unsafe name 'a\\nb'."), id="newline"
        ),
        pytest.param(
            ("config.json", b"{}"),
            ("duplicate", "The image archive has 'config.json' twice."),
            id="duplicate",
        ),
        pytest.param(
            link("config.json", "1/layer.tar"),
            ("duplicate", "The image archive has 'config.json' twice."),
            id="duplicate-by-link",
        ),
    ],
)
def test_an_unsafe_entry_is_refused(make_tar, member, expected):
    assert refusal(make_tar(*docker_members().items(), member)) == expected


MANIFEST = (
    "manifest",
    (
        "The image's manifest is missing, damaged or names parts that are not in the archive. Save"
        " the image again with docker save or podman save."
    ),
)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"manifest.json": b"not json"}, id="not-json"),
        pytest.param({"manifest.json": b"\xff"}, id="not-text"),
        pytest.param({"manifest.json": b"[" * 100_000}, id="depth"),
        pytest.param({"manifest.json": b" " * 2_000_000 + b"[]"}, id="size"),
        pytest.param({"manifest.json": b"{}"}, id="no-list"),
        pytest.param({"manifest.json": b"[1]"}, id="no-object"),
        pytest.param(docker_members(Layers=None), id="no-layers"),
        pytest.param(docker_members(Layers=[]), id="empty-layers"),
        pytest.param(docker_members(Layers=[{}]), id="odd-layer"),
        pytest.param(docker_members(Layers=["3/layer.tar"]), id="absent-layer"),
        pytest.param(docker_members(Layers=["../../etc/passwd"]), id="layer-elsewhere"),
        pytest.param(docker_members(Config=None), id="no-config"),
        pytest.param(docker_members(Config="absent.json"), id="absent-config"),
        pytest.param(docker_members(config=[]), id="odd-config"),
        pytest.param(docker_members(config={"architecture": 1}), id="odd-architecture"),
    ],
)
def test_a_docker_manifest_that_is_not_sound_is_refused(make_tar, changes):
    assert refusal(packed(make_tar, docker_members() | changes)) == MANIFEST


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"oci-layout": b"{}"}, id="no-version"),
        pytest.param({"index.json": b"[]"}, id="no-object"),
        pytest.param({"index.json": b'{"manifests": {}}'}, id="no-list"),
        pytest.param({"index.json": b'{"manifests": [1]}'}, id="odd-descriptor"),
        pytest.param({"index.json": b'{"manifests": [{"digest": "sha256:00"}]}'}, id="digest"),
        pytest.param(
            {"index.json": b'{"manifests": [{"digest": "sha256:../../../../etc/passwd"}]}'},
            id="digest-elsewhere",
        ),
        pytest.param(
            {"index.json": json.dumps({"manifests": [{"digest": f"sha256:{'0' * 64}"}]}).encode()},
            id="absent-manifest",
        ),
    ],
)
def test_an_oci_index_that_is_not_sound_is_refused(make_tar, changes):
    oci = Oci()

    assert refusal(packed(make_tar, oci.finish(oci.image()) | changes)) == MANIFEST


def test_an_oci_layout_without_its_marker_is_refused(make_tar):
    oci = Oci()
    members = oci.finish(oci.image())
    del members["oci-layout"]

    assert refusal(packed(make_tar, members)) == MANIFEST


def test_indexes_inside_each_other_are_not_followed_for_ever(make_tar):
    oci = Oci()
    inner = oci.blob({"manifests": [oci.image()]}, mediaType=INDEX_TYPE)
    middle = oci.blob({"manifests": [inner]}, mediaType=INDEX_TYPE)

    assert refusal(packed(make_tar, oci.finish(middle))) == MANIFEST


ARM = {"architecture": "arm64", "os": "linux"}
PLATFORMS = {"amd64": CONFIG, "arm64": {**ARM, "variant": "v8"}}
ARM64 = ImageLimits(architecture="arm64")


def several(oci, *, told=True):
    """Images for amd64 and arm64, of which the latter has a third layer."""
    platforms = {name: {"platform": PLATFORMS[name]} if told else {} for name in PLATFORMS}
    return {
        "amd64": oci.image(**platforms["amd64"]),
        "arm64": oci.image(ARM, layers=(b"one", b"two", b"three"), **platforms["arm64"]),
    }


def nested(oci, images):
    statement = oci.image(layers=[b"x"], platform={"os": "unknown", "architecture": "unknown"})
    listed = [*images.values(), statement]
    return [oci.blob({"manifests": listed}, mediaType=INDEX_TYPE)]


def beside(oci, images):
    statement = oci.image(layers=[b"x"], platform={"os": "unknown", "architecture": "unknown"})
    return [statement, *images.values()]


@pytest.mark.parametrize("told", [True, False], ids=["told", "in the configurations"])
@pytest.mark.parametrize("form", [nested, beside])
@pytest.mark.parametrize(("architecture", "layers"), [("amd64", 2), ("arm64", 3)])
def test_of_several_oci_images_the_one_for_the_nodes_is_taken(
    make_tar, form, told, architecture, layers
):
    oci = Oci()
    images = several(oci, told=told)

    found = inspect_image(
        packed(make_tar, oci.finish(*form(oci, images))), ImageLimits(architecture=architecture)
    )

    assert (found.layout, found.layers, found.architecture) == ("oci", layers, architecture)
    assert json.loads(found.chosen) == alone(images[architecture])


def docker_several(*configs):
    """What docker save writes of images that have one name: their layers are distinguished by the number."""
    members, listed = {}, []
    for number, config in enumerate(configs, 1):
        names = [f"{number}/{layer}/layer.tar" for layer in range(number)]
        members |= dict.fromkeys(names, b"layer")
        members[f"{number}.json"] = json.dumps(config).encode()
        listed.append({"Config": f"{number}.json", "RepoTags": ["x:1"], "Layers": names})
    return members | {"manifest.json": json.dumps(listed).encode()}


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize(("architecture", "layers"), [("amd64", 1), ("arm64", 2)])
def test_of_several_docker_images_the_one_for_the_nodes_is_taken(
    make_tar, mode, architecture, layers
):
    source = packed(make_tar, docker_several(CONFIG, ARM), mode=mode)

    found = inspect_image(source, ImageLimits(architecture=architecture))

    assert (found.layout, found.layers, found.architecture) == ("docker", layers, architecture)
    assert json.loads(found.chosen) == [
        {
            "Config": f"{layers}.json",
            "RepoTags": [],
            "Layers": [f"{layers}/{number}/layer.tar" for number in range(layers)],
        }
    ]


def test_the_same_image_twice_is_one(make_tar):
    members = docker_members()
    twice = json.loads(members["manifest.json"]) * 2
    members["manifest.json"] = json.dumps(twice).encode()
    oci = Oci()
    names = [oci.image(annotations={"org.opencontainers.image.ref.name": name}) for name in "ab"]

    docker = inspect_image(packed(make_tar, members))
    layout = inspect_image(packed(make_tar, oci.finish(*names)))

    assert docker == replace(DOCKER, chosen=docker.chosen)
    assert json.loads(docker.chosen) == [{**twice[0], "RepoTags": []}]
    assert layout == replace(OCI, chosen=layout.chosen)
    assert json.loads(layout.chosen) == alone(names[0])


def test_an_image_that_is_alone_needs_no_other_manifest(make_tar):
    oci = Oci()

    assert inspect_image(packed(make_tar, oci.finish(oci.image()))).chosen == ""


@pytest.mark.parametrize(
    ("platforms", "limits", "taken"),
    [
        pytest.param(["amd64/v3", "amd64"], IMAGE_LIMITS, 2, id="no variant first"),
        pytest.param(["amd64/v3", "amd64/v2"], IMAGE_LIMITS, 2, id="lowest variant"),
        pytest.param(["amd64/v4", "arm64"], IMAGE_LIMITS, 1, id="only variant"),
        pytest.param(["arm64/v9", "arm64/v8"], ARM64, 2, id="v8"),
        pytest.param(["arm64/v8", "arm64"], ARM64, 2, id="none before v8"),
        pytest.param(["windows:amd64", "amd64"], IMAGE_LIMITS, 2, id="linux"),
    ],
)
def test_variants_and_systems_are_told_apart(make_tar, platforms, limits, taken):
    oci = Oci()
    images = []
    for number, platform in enumerate(platforms, 1):
        system, _, processor = platform.rpartition(":")
        architecture, _, variant = processor.partition("/")
        told = {"os": system or "linux", "architecture": architecture, "variant": variant}
        layers = [b"layer"] * number
        images.append(oci.image({"architecture": architecture}, layers, platform=told))

    assert inspect_image(packed(make_tar, oci.finish(*images)), limits).layers == taken


def test_an_image_that_names_its_processor_comes_before_one_that_does_not(make_tar):
    assert inspect_image(packed(make_tar, docker_several({}, CONFIG))).layers == 2


SEVERAL = ("several_images", "The archive holds 2 images for amd64. Save exactly one.")


def test_two_images_for_the_nodes_are_refused(make_tar):
    oci = Oci()
    images = [oci.image(layers=[layer]) for layer in (b"one", b"two")]

    assert refusal(packed(make_tar, docker_several(CONFIG, CONFIG, ARM))) == SEVERAL
    assert refusal(packed(make_tar, oci.finish(*images))) == SEVERAL


def test_where_any_processor_will_do_there_may_be_only_one_image(make_tar):
    source = packed(make_tar, docker_several(CONFIG, ARM))

    assert refusal(source, ImageLimits(architecture="")) == (
        "several_images",
        "The archive holds 2 images. Save exactly one.",
    )


@pytest.mark.parametrize("form", [nested, beside])
def test_images_of_which_none_is_for_the_nodes_are_refused(make_tar, form):
    oci = Oci()
    source = packed(make_tar, oci.finish(*form(oci, several(oci))))

    assert refusal(source, ImageLimits(architecture="riscv64")) == (
        "architecture",
        (
            "The archive's images are made for 'amd64', 'arm64/v8', but the nodes are riscv64."
            " Build it with --platform linux/riscv64."
        ),
    )


def test_a_system_alone_is_named_and_so_is_what_says_nothing_that_fits(make_tar):
    oci = Oci()
    nowhere = oci.image({"os": "plan9"}, platform=None)
    images = [
        nowhere,
        oci.image(platform={"os": "linux", "architecture": "arm64", "variant": "v9"}),
    ]

    assert refusal(packed(make_tar, oci.finish(*images)), ARM64) == (
        "architecture",
        (
            "The archive's images are made for 'plan9', 'arm64/v9', but the nodes are arm64."
            " Build it with --platform linux/arm64."
        ),
    )


def test_of_many_platforms_some_are_named(make_tar):
    configs = [{"architecture": f"cpu{number}\n"} for number in range(8)]
    configs.append({"os": "windows", "architecture": "amd64"})

    assert refusal(packed(make_tar, docker_several(*reversed(configs)))) == (
        "architecture",
        (
            "The archive's images are made for 'windows/amd64', 'cpu7\\n', 'cpu6\\n', 'cpu5\\n',"
            " 'cpu4\\n' and others, but the nodes are amd64. Build it with --platform linux/amd64."
        ),
    )


def test_an_image_that_is_listed_for_other_processors_than_it_says_is_refused(make_tar):
    oci = Oci()
    images = [oci.image(ARM, platform=CONFIG), oci.image(CONFIG, platform=ARM)]

    assert refusal(packed(make_tar, oci.finish(*images)))[0] == "architecture"


def test_more_images_than_anybody_saves_are_refused(make_tar):
    configs = [{"architecture": f"cpu{number}"} for number in range(101)]

    assert refusal(packed(make_tar, docker_several(*configs[:14])))[0] == "architecture"
    assert refusal(packed(make_tar, docker_several(*configs)), ImageLimits(entries=20_000)) == (
        MANIFEST
    )


def test_configurations_that_are_large_together_are_refused(make_tar):
    configs = [{"architecture": f"cpu{number}", "x": "x" * 1_000_000} for number in range(5)]

    assert refusal(packed(make_tar, docker_several(*configs))) == MANIFEST


@pytest.mark.parametrize("more", [{"manifests": []}, {"mediaType": INDEX_TYPE}])
def test_a_manifest_that_could_be_an_index_is_refused(make_tar, more):
    oci = Oci()
    manifest = {"config": oci.blob(CONFIG), "layers": [oci.blob(b"one")]} | more

    assert refusal(packed(make_tar, oci.finish(oci.blob(manifest)))) == MANIFEST


def test_statements_alone_are_no_image(make_tar):
    oci = Oci()

    assert refusal(packed(make_tar, oci.finish(*nested(oci, {})))) == MANIFEST


def test_an_image_for_another_processor_is_refused(make_tar):
    source = packed(make_tar, docker_members({"architecture": "arm64"}))

    assert refusal(source) == (
        "architecture",
        (
            "The image is made for 'arm64', but the nodes are amd64. Build it with --platform"
            " linux/amd64."
        ),
    )


def test_a_site_may_take_any_processor(make_tar):
    source = packed(make_tar, docker_members({"architecture": "arm64"}))

    assert inspect_image(source, ImageLimits(architecture="")).architecture == "arm64"


def test_an_image_that_names_no_processor_is_left_to_the_build(make_tar):
    assert inspect_image(packed(make_tar, docker_members({}))).architecture == ""


def test_a_thousand_layers_are_refused(make_tar):
    layers = [f"{number}.tar" for number in range(1000)]

    assert refusal(packed(make_tar, docker_members(layers=layers))) == (
        "too_many_layers",
        (
            "The image has 1000 layers; up to 200 are accepted. Build it with fewer steps, or"
            " flatten it."
        ),
    )


def test_the_same_layer_named_a_thousand_times_is_refused(make_tar):
    members = docker_members(Layers=["1/layer.tar"] * 1000)

    assert refusal(packed(make_tar, members))[0] == "too_many_layers"


def test_a_flood_of_entries_is_refused(make_tar):
    source = packed(make_tar, {str(number): b"" for number in range(20)})

    assert refusal(source, ImageLimits(entries=10)) == (
        "too_many",
        (
            "The archive holds more than 10 entries, so it is not an image. Use docker save or"
            " podman save, not docker export."
        ),
    )


def test_the_size_of_all_entries_has_a_limit(make_tar):
    members = docker_members()
    size = sum(map(len, members.values()))
    source = packed(make_tar, members)

    assert inspect_image(source, ImageLimits(size=size)) == DOCKER
    assert refusal(source, ImageLimits(size=size - 1)) == (
        "too_large",
        f"The image is larger than {size - 1} bytes, the limit.",
    )


def test_a_bomb_is_stopped(make_file):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("layer.tar")
        info.size = 80 * 1024 * 1024
        tar.addfile(info, io.BytesIO(bytes(info.size)))

    assert refusal(make_file(gzip.compress(buffer.getvalue())))[0] == "ratio"


def test_a_plain_archive_is_not_read_to_find_that_it_is_cut(make_tar, make_file):
    members = docker_members() | {"big": bytes(100_000)}
    content = packed(make_tar, members).read_bytes()

    assert refusal(make_file(content[:-60_000]))[0] == "damaged"


def test_a_cut_archive_is_damaged(make_tar, make_file):
    content = packed(make_tar, docker_members()).read_bytes()

    assert refusal(make_file(content[:1500]))[0] == "damaged"


@given(
    manifest=st.recursive(
        st.none() | st.integers() | st.sampled_from(["1/layer.tar", "config.json", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["Layers", "Config", "manifests", "digest"]), inner)
        ),
    ),
    name=st.sampled_from(["manifest.json", "index.json", "config.json", "oci-layout"]),
)
def test_an_invented_manifest_raises_nothing_else(tmp_path_factory, manifest, name):
    members = docker_members()
    if name in {"index.json", "oci-layout"}:
        del members["manifest.json"]
        members |= {"index.json": b"{}", "oci-layout": b'{"imageLayoutVersion": "1"}'}
    members[name] = json.dumps(manifest).encode()
    source = tmp_path_factory.mktemp("images") / "upload"
    with tarfile.open(source, "w") as tar:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))

    with suppress(BadArchiveError):
        inspect_image(source)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "manifest.json",
            b'[{"Config": "config.json", "Layers": ["1/layer.tar"], "layers": ["2/layer.tar"]}]',
            id="another case",
        ),
        pytest.param(
            "manifest.json",
            b'[{"Config": "config.json", "Layers": ["1/layer.tar"], "Layers": ["2/layer.tar"]}]',
            id="twice",
        ),
        pytest.param(
            "config.json",
            '{"architecture": "amd64", "o\u017f": "x", "os": "y"}'.encode(),
            id="long s",
        ),
        pytest.param("manifest.json", b"[" * 100_000, id="deep list"),
        pytest.param("config.json", b'{"a":' * 50_000, id="deep object"),
    ],
)
def test_a_manifest_that_others_could_read_otherwise_is_refused(make_tar, name, content):
    assert refusal(packed(make_tar, docker_members() | {name: content})) == MANIFEST


def test_labels_may_differ_in_case_only(make_tar):
    config = {**CONFIG, "config": {"Labels": {"Version": "1", "version": "2"}}}

    assert inspect_image(packed(make_tar, docker_members(config=config))).layers == 2


def _renamed(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize("magic", [b"ustar  \0", bytes(8)], ids=["gnu", "old"])
def test_a_name_that_only_some_readers_put_together_is_refused(make_file, magic):
    header = bytearray(tarfile.TarInfo("manifest.json").tobuf(tarfile.USTAR_FORMAT))
    header[257:265], header[345:348] = magic, b"sub"

    assert refusal(make_file(_renamed(header) + bytes(1024)))[0] == "damaged"


def test_an_entry_that_is_named_in_two_ways_is_refused(make_file):
    pax = tarfile.TarInfo("x")
    pax.pax_headers = {"path": "one"}
    long = tarfile.TarInfo("l")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 4
    whole = (
        pax.tobuf(tarfile.PAX_FORMAT)[:1024]
        + long.tobuf(tarfile.GNU_FORMAT)
        + b"two\0".ljust(512, b"\0")
        + tarfile.TarInfo("three").tobuf(tarfile.USTAR_FORMAT)
    )

    assert refusal(make_file(whole + bytes(1024)))[0] == "damaged"
