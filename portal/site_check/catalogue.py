"""All rules, by area: what `sealrun check-site` looks at. The reference page is made from this."""

from portal.domain.site.findings import Rule
from portal.site_check.rules import (
    accounts,
    apptainer,
    database,
    mail,
    neighbours,
    probe_rules,
    profiles,
    settings,
    slurm,
    ssh,
    storage,
)

RULES: tuple[Rule, ...] = tuple(
    rule
    for module in (
        settings,
        database,
        storage,
        accounts,
        mail,
        ssh,
        slurm,
        profiles,
        neighbours,
        apptainer,
        probe_rules,
    )
    for rule in module.RULES
)
