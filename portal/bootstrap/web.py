"""What the web application needs."""

from collections.abc import Iterable

from portal.bootstrap.secrets import audit_heads_of, published_keys, secret_in
from portal.bootstrap.site import Installation
from portal.domain.accounts.gates import Gate
from portal.domain.accounts.provider_defaults import LoginProfile
from portal.domain.accounts.sessions import SessionLimits
from portal.web.context import Provider, Rates, SiteTerms, WebContext
from site_config import gates
from site_config.site import Site


def web_context(site: Installation) -> WebContext:
    """Return what the web application needs."""
    return WebContext(
        database=site.database,
        store=site.store,
        resources=site.resources,
        site_name=site.settings.site.name,
        site_url=site.settings.site.url,
        support=site.settings.site.support,
        providers=tuple(
            Provider(
                id=provider.id,
                title=provider.title,
                issuer=provider.issuer,
                client_id=provider.client_id,
                client_secret=secret_in(provider.client_secret_file),
                profile=LoginProfile(provider.profile),
                scopes=provider.scopes,
                claims=provider.claims,
                clock_skew=provider.clock_skew,
                logout=provider.logout,
                require=_gates(provider.require),
                staff=_rule(provider.staff),
            )
            for provider in site.settings.login.providers
        ),
        clock=site.clock,
        audit_state=audit_heads_of(site.settings).state,
        gates=_gates(site.settings.login.require),
        terms=_terms(site.settings),
        seal_keys=published_keys(site.settings),
        session_limits=SessionLimits(
            idle=site.settings.login.sessions.idle, longest=site.settings.login.sessions.longest
        ),
        settings_version=site.version,
        everybody_creates=site.settings.challenges.create == "everybody",
        sends_mail=site.settings.mail is not None,
        rates=Rates(**site.settings.login.rates.model_dump()),
    )


def _gates(rules: Iterable[gates.Gate]) -> tuple[Gate, ...]:
    return tuple(
        Gate(title=gate.rule, claims=_rule(gate.claims), ask=gate.ask or "") for gate in rules
    )


def _terms(settings: Site) -> SiteTerms:
    terms = settings.login.terms
    if terms is None:
        return SiteTerms()
    return SiteTerms(version=terms.version, markdown=terms.file.read_text(encoding="utf-8"))


def _rule(claims: dict[str, str | tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {key: (want,) if isinstance(want, str) else want for key, want in claims.items()}
