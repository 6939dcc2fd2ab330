"""Images as they are uploaded: archives of layers, and SIFs."""

import hashlib
import io
import json
import struct
import tarfile


def entry(name, kind=tarfile.REGTYPE, *, target="", content=b""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(content)
    return info, content


def layer(*entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


USUAL = layer(
    entry("./", tarfile.DIRTYPE),
    entry("bin", tarfile.SYMTYPE, target="usr/bin"),
    entry("/usr/bin/su", content=b"program"),
    entry("usr/bin/perl", tarfile.LNKTYPE, target="/usr/bin/su"),
    entry("etc/mtab", tarfile.SYMTYPE, target="../proc/mounts"),
    entry("etc/localtime", tarfile.SYMTYPE, target="/usr/share/zoneinfo"),
    entry("var/cache/.wh..wh..opq"),
    entry("var/.wh.old"),
)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def docker(*layers, packed=bytes, **changes):
    config = json.dumps(
        {
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest(one)}" for one in layers]},
        }
        | changes
    ).encode()
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": f"{digest(config)}.json", "Layers": names}]
    return {
        f"{digest(config)}.json": config,
        "manifest.json": json.dumps(manifest).encode(),
        **dict(zip(names, map(packed, layers), strict=True)),
    }


def oci(*layers, packed=bytes, **changes):
    members = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(content, **more):
        members[f"blobs/sha256/{digest(content)}"] = content
        return {"digest": f"sha256:{digest(content)}", "size": len(content)} | more

    diff_ids = [f"sha256:{digest(one)}" for one in layers]
    config = blob(json.dumps({"rootfs": {"diff_ids": diff_ids}}).encode())
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    blobs = [blob(packed(one), **({"mediaType": kind} | changes)) for one in layers]
    image = blob(json.dumps({"config": config, "layers": blobs}).encode())
    members["index.json"] = json.dumps({"manifests": [image]}).encode()
    return members


def both(first, second):
    """Return the members of two archives of docker save as one archive; layers of the second have other names."""
    listed = [json.loads(members.pop("manifest.json")) for members in (first, second)]
    renamed = {name: f"second/{name}" for name in listed[1][0]["Layers"]}
    listed[1][0]["Layers"] = list(renamed.values())
    manifest = json.dumps([*listed[0], *listed[1]]).encode()
    second = {renamed.get(name, name): content for name, content in second.items()}
    return {**first, **second, "manifest.json": manifest}


CONFIG = {"architecture": "amd64", "os": "linux"}


def docker_members(config=CONFIG, layers=("1/layer.tar", "2/layer.tar"), **changes):
    image = {"Config": "config.json", "RepoTags": ["x:1"], "Layers": list(layers)} | changes
    members = dict.fromkeys(layers, b"layer")
    members["config.json"] = json.dumps(config).encode()
    members["manifest.json"] = json.dumps([image]).encode()
    return members


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def sif(architecture=b"02\0", file_system=1, *, signed=False):
    """A SIF whose only part is the first block of a squashfs, but for a signature of nothing."""
    launch = b"#!/usr/bin/env run-singularity\n".ljust(32, b"\0")
    place, size = 2048, 96
    header = launch + b"SIF_MAGIC\x0001\0" + architecture + bytes(16)
    header += struct.pack("<8q", 0, 0, 0, 2, 128, 585, place, size)
    part = struct.pack("<i?III7q", 0x4004, True, 1, 1, 0, place, size, size, 0, 0, 0, 0)
    part += bytes(128) + struct.pack("<ii3s", file_system, 2, architecture).ljust(384, b"\0")
    signature = struct.pack("<i?III7q", 0x4005, signed, 2, 0, 1, place, 0, 0, 0, 0, 0, 0)
    part += signature + bytes(128 + 384)
    tables = (60, 2**64 - 1, 60, 60, 60, 60)
    system = struct.pack("<5I6H8Q", 0x73717368, 5, 0, 4096, 0, 1, 12, 0, 1, 4, 0, 0, size, *tables)
    return (header + part).ljust(place, b"\0") + system
