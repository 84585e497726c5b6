"""The policy file: from evidence to a proposed risk, by the first rule that fits."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskworks.core.bounded import read_bounded
from maskworks.core.errors import UsageError
from maskworks.core.toml_text import parse_toml
from maskworks.scene.record import ContentContext, Extent, PolicyUsed, SignalKind
from maskworks.scene.signals.protocol import SIGNAL_NAMES
from maskworks.scene.topics import PURPOSES, RISKS, SOURCES, RiskId, TopicName, nearest, topic_of

OWN_POLICY = Path(__file__).parent / "policies" / "default.toml"


class PolicyRule(BaseModel):
    """One rule; what it does not name fits anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    risk: RiskId
    categories: tuple[TopicName, ...] = ()
    signals: tuple[SignalKind, ...] = ()
    least_likelihood: Annotated[int, Field(ge=1, le=5)] = 1
    extent: Extent | None = None
    context: tuple[Literal["news"], ...] = ()
    context_not: tuple[Literal["news"], ...] = ()
    purpose: tuple[str, ...] = ()
    purpose_not: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


class SuitabilityPolicy(BaseModel):
    """A brand's policy: what counts as a finding, what as sustained, and the rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    date: date
    least_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    join_seconds: Annotated[float, Field(ge=0)] = 10.0
    sustained_seconds: Annotated[float, Field(gt=0)] = 20.0
    sustained_share: Annotated[float, Field(gt=0, le=1)] = 0.1
    sustained_least_seconds: Annotated[float, Field(ge=0)] = 5.0
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    rules: tuple[PolicyRule, ...]
    sha256: str = ""

    def is_hint(self, signal: str, confidence: float, *, weak: bool, narrow: bool) -> bool:
        """Say whether a sighting counts for nothing.

        A threshold of its own takes the place of what the signal and `least_confidence` say,
        but for signals that are `narrow`: a code or a bang stays a hint.
        """
        least = self.thresholds.get(signal)
        if least is None:
            return weak or confidence < self.least_confidence
        return (weak and narrow) or confidence < least

    def used(self) -> PolicyUsed:
        """Return what the record says of this policy."""
        return PolicyUsed(name=self.name, date=self.date.isoformat(), sha256=self.sha256)


@dataclass(frozen=True)
class TopicEvidence:
    """What the rules see of one category: its findings that count, summed up."""

    category: TopicName
    kinds: frozenset[str]
    likelihood: int
    extent: Extent
    all_news: bool


def read_policy(path: Path | None = None) -> SuitabilityPolicy:
    """Read a policy file; by default the one that comes with the package.

    Raises
    ------
    UsageError
        If it cannot be read, or names a category, risk, purpose or source that there is not;
        the nearest is named.
    """
    path = path or OWN_POLICY
    try:
        data = read_bounded(path)
        rows = parse_toml(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML in UTF-8: {error}") from error
    rules = rows.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise UsageError(f"{path}: rules are tables, each begun with [[rules]]")
    _check_keys(rows, SuitabilityPolicy, str(path))
    thresholds = rows.get("thresholds", {})
    for signal in thresholds if isinstance(thresholds, dict) else ():
        if signal not in SIGNAL_NAMES:
            raise UsageError(
                f"{path}, thresholds: there is no signal {signal!r}; "
                f"{nearest(signal, SIGNAL_NAMES)}"
            )
    for number, rule in enumerate(rules, 1):
        _check_names(rule, f"{path}, rule {number}")
    try:
        return SuitabilityPolicy.model_validate(
            {**rows, "sha256": hashlib.sha256(data).hexdigest()}
        )
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {at}: {first['msg']}; see docs/suitability.md") from error


def _check_names(rule: dict[str, Any], where: str) -> None:
    """Turn ids into names, and name the nearest of what there is not."""
    _check_keys(rule, PolicyRule, where)
    if "categories" in rule:
        rule["categories"] = [topic_of(str(c), where=where).name for c in _many(rule, "categories")]
    for key, known in (("purpose", PURPOSES), ("purpose_not", PURPOSES), ("source", SOURCES)):
        if key in rule:
            rule[key] = [_known(str(name), known, f"{where}: {key}") for name in _many(rule, key)]
    if "risk" not in rule:
        raise UsageError(f"{where}: proposes no risk; add one of {', '.join(RISKS)}")
    if rule["risk"] not in RISKS:
        risk = str(rule["risk"])
        raise UsageError(f"{where}: there is no risk {risk!r}; {nearest(risk, RISKS)}")


def _check_keys(given: dict[str, Any], kind: type[BaseModel], where: str) -> None:
    known = [name for name in kind.model_fields if name != "sha256"]
    for key in given:
        if key not in known:
            raise UsageError(f"{where}: there is no {key!r}; {nearest(key, known)}")


def _many(rule: dict[str, Any], key: str) -> list[Any]:
    value = rule[key]
    return value if isinstance(value, list) else [value]


def _known(name: str, known: dict[str, str], where: str) -> str:
    for each, number in known.items():
        if name in (each, number):
            return each
    raise UsageError(f"{where}: there is no {name!r}; {nearest(name, known)}")


def propose(
    evidence: TopicEvidence, context: ContentContext, policy: SuitabilityPolicy
) -> tuple[RiskId | None, str | None]:
    """Return the risk that the first fitting rule proposes, and that rule's name.

    Examples
    --------
    >>> once = TopicEvidence("arms", frozenset({"text"}), 5, "adjacent", all_news=False)
    >>> propose(once, ContentContext(), read_policy())
    ('bsr003', 'likely, in passing')
    >>> propose(once, ContentContext(purpose="news"), read_policy())
    ('bsr004', 'reported as news, passing')
    """
    for rule in policy.rules:
        if _fits(rule, evidence, context):
            return rule.risk, rule.name
    return None, None


def _fits(rule: PolicyRule, evidence: TopicEvidence, context: ContentContext) -> bool:
    return (
        (not rule.categories or evidence.category in rule.categories)
        and (not rule.signals or not evidence.kinds.isdisjoint(rule.signals))
        and evidence.likelihood >= rule.least_likelihood
        and rule.extent in (None, evidence.extent)
        and (not rule.context or evidence.all_news)
        and not (rule.context_not and evidence.all_news)
        and (not rule.purpose or context.purpose in rule.purpose)
        and context.purpose not in rule.purpose_not
        and (not rule.source or context.source in rule.source)
    )
