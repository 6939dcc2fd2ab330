"""What a participant would put into an image to reach Slurm: its programs, libraries and configuration."""

from pathlib import Path

from containers.archives import Entry
from tests.support.cluster.inside import Inside

FOLDER = "/opt/slurm"
LOADER = f"{FOLDER}/ld-linux-x86-64.so.2"
SBATCH = f"SLURM_CONF={FOLDER}/slurm.conf {LOADER} --library-path {FOLDER} {FOLDER}/sbatch"
"""A line for a shell that submits with these programs alone."""
COLLECT = f"""
plugins=$(scontrol show config | sed -n 's/^PluginDir *= //p')
mkdir -p {FOLDER}
cp "$plugins"/auth_*.so "$plugins"/hash_*.so "$plugins"/tls_*.so "$plugins"/cred_*.so \
    "$plugins"/serializer_*.so "$plugins"/gres_*.so "$plugins"/select_*.so "$plugins"/topology_*.so \
    "$plugins"/accounting_storage_*.so /usr/bin/sbatch {FOLDER}
for file in {FOLDER}/*; do ldd "$file"; done | grep -o ' */[^ ]*' | sort -u |
    while read -r library; do [ -e "$library" ] && cp -L "$library" {FOLDER}; done
(cat /etc/slurm/slurm.conf; echo PluginDir={FOLDER}) > {FOLDER}/slurm.conf
chmod -R a+rX {FOLDER}
"""


def slurm_entries(inside: Inside) -> list[Entry]:
    """Gather them on the site in ``FOLDER``, and return them for an image in which they lie there, too."""
    gathered = inside.run("sh", "-c", COLLECT, user="root")
    assert gathered.returncode == 0, gathered.stderr
    place = Path(f"/proc/{inside.site.status().pid}/root{FOLDER}")
    return [
        Entry(path="opt", directory=True),
        Entry(path=FOLDER[1:], directory=True),
        *(
            Entry(path=f"{FOLDER[1:]}/{path.name}", mode=0o755, content=path.read_bytes())
            for path in sorted(place.iterdir())
        ),
    ]
