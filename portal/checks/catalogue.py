"""All rules, by area: what `sealrun check-site` looks at. The reference page is made from this."""

from portal.checks import (
    accounts,
    apptainer,
    database,
    neighbours,
    probe_rules,
    profiles,
    settings,
    slurm,
    ssh,
    storage,
)
from portal.domain.site.findings import Rule

RULES: tuple[Rule, ...] = tuple(
    rule
    for module in (
        settings,
        database,
        storage,
        accounts,
        ssh,
        slurm,
        profiles,
        neighbours,
        apptainer,
        probe_rules,
    )
    for rule in module.RULES
)
