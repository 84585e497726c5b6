"""One picture down a campaign's line: cut out, score, compose, check, route. Pure steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from maskworks.core.deadline import go_on
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.percent import percent
from maskworks.core.reading import Picture
from maskworks.cutouts.backgrounds import Background
from maskworks.cutouts.credentials import current_signer
from maskworks.cutouts.cutout import TORN_FROM, Cutout
from maskworks.cutouts.cutting import CutOptions, cut_and_refine
from maskworks.cutouts.scoring.evidence import Evidence, measure
from maskworks.cutouts.scoring.reason import Reason
from maskworks.cutouts.scoring.score import score
from maskworks.cutouts.scoring.score_model import ScoreModel, load_score_model
from maskworks.refine.refinement import DEFAULTS, RefineOptions
from maskworks.studio.output.compose import CENTRE, lay_out, put_on
from maskworks.studio.output.encoding import encode_deliverable
from maskworks.studio.output.gate import Breach, check_output
from maskworks.studio.output.placing import Note, Placement
from maskworks.studio.output.rules import OutputRules
from maskworks.studio.route import Decision, Rules, route, spot_check

if TYPE_CHECKING:
    from maskworks.models import Model

NO_SUBJECT: Final = "no-subject"


@dataclass(frozen=True, eq=False)
class Variant:
    """One approved background by its name; None is the output's own.

    `focus` is the point of a picture, (row, column) in [0, 1], that stays nearest to the middle.
    """

    name: str
    background: Background | None = None
    focus: tuple[float, float] = CENTRE


@dataclass(frozen=True, eq=False)
class Made:
    """A finished picture as it will be written, before and after the gate has seen it."""

    variant: str
    data: bytes = field(repr=False)
    placement: Placement
    notes: tuple[Note, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), pixels."""
        return self.placement.canvas


@dataclass(frozen=True, eq=False)
class Item:
    """A picture on its way; every step adds to it.

    Parameters
    ----------
    content : sha256 of the file; it alone decides on the spot check
    variants : one deliverable each
    cutout : after `cut`
    score, reasons : after `assess`; later steps add reasons
    made : after `compose`
    decision : after `decide`
    """

    content: str
    picture: Picture = field(repr=False)
    variants: tuple[Variant, ...]
    cutout: Cutout | None = None
    score: float | None = None
    reasons: tuple[Reason, ...] = ()
    made: tuple[Made, ...] = ()
    decision: Decision | None = None

    @property
    def has_subject(self) -> bool:
        """Whether there is something to be composed."""
        return self.cutout is not None and self.cutout.status != NO_SUBJECT


@dataclass(frozen=True, kw_only=True, eq=False)
class Settings:
    """What is the same for every picture of a campaign.

    Without a `scorer` the score is the one that comes with the model.
    """

    model: Model
    output: OutputRules
    quality: Rules
    refinement: RefineOptions = DEFAULTS
    scorer: ScoreModel | None = None


Step = Callable[[Item], Item]


def steps_for(settings: Settings) -> tuple[Step, ...]:
    """Return the steps of a campaign, in order.

    Raises
    ------
    UsageError
        If credentials are asked for and there is no key to sign with.
    """
    scorer = settings.scorer or load_score_model()
    if settings.output.provenance == "c2pa":
        current_signer()  # a missing key is said before anything is cut out
    return (
        lambda item: cut(item, settings.model, settings.refinement),
        lambda item: assess(item, scorer),
        lambda item: compose_each(item, settings.output),
        lambda item: hold_against(item, settings.output),
        lambda item: decide(item, settings.quality),
    )


def send_down(item: Item, steps: Iterable[Step]) -> Item:
    """Return what all steps make of an item.

    Raises
    ------
    TooSlowError
        If the time of this picture has run out between two steps.
    """
    for step in steps:
        go_on()
        item = step(item)
    return item


def cut(item: Item, model: Model, refinement: RefineOptions = DEFAULTS) -> Item:
    """Cut the subject out and refine its edge."""
    found = cut_and_refine(item.picture, model, CutOptions(refinement=refinement))
    return replace(item, cutout=found)


def assess(item: Item, model: ScoreModel | None = None) -> Item:
    """Add the score and the reasons that speak against the cut-out; without a subject it is 0."""
    found = _cutout(item)
    absent = found.status == NO_SUBJECT
    scored = score(evidence_of(item), model)
    nothing = absent and found.confidence is not None
    reasons, total = scored.reasons, 0.0 if nothing else scored.score
    if absent and NO_SUBJECT not in [reason.name for reason in reasons]:
        reasons = (*reasons, _no_subject("no subject was found"))
    if found.torn:
        reasons = (*reasons, _torn(found))
    if not item.picture.details.colours_sure:
        reasons = (*reasons, _unsure_colours(item.picture))
    return replace(item, score=total, reasons=reasons)


def evidence_of(item: Item) -> Evidence:
    """Return the evidence of a picture that was cut out, measured where it was not yet."""
    found = _cutout(item)
    if found.evidence is not None:
        return found.evidence
    absent = found.status == NO_SUBJECT  # its confidence is then that of there being none
    sure = found.confidence
    return measure(
        item.picture.image,
        found.foreground,
        found.matte,
        confidence=None if absent else sure,
        presence=1 - sure if absent and sure is not None else found.presence,
        soft_interior=found.soft_interior or 0.0,
        band_share=found.band_share,
    )


def compose_each(item: Item, rules: OutputRules) -> Item:
    """Put the subject on every background of its concept and encode the results.

    A background that the rules refuse, or that is too small, gives no picture but the reason
    ``gate:background``; a subject that vanished with its edge gives ``no-subject``.
    """
    if not item.has_subject:
        return item
    found = _cutout(item)
    try:
        layer = lay_out(found.foreground, found.matte, rules)
    except ImageError as error:
        nothing = replace(found, status=NO_SUBJECT)
        return replace(item, cutout=nothing, reasons=(*item.reasons, _no_subject(str(error))))
    made, refused = [], []
    for variant in item.variants:
        try:
            composed = put_on(layer, variant.background, focus=variant.focus)
        except UsageError as error:
            refused.append((variant.name, Reason("gate:background", 0.0, None, str(error))))
            continue
        file = encode_deliverable(composed, rules, item.picture.details, variant.background)
        notes = (*composed.notes, *file.notes)
        made.append(Made(variant.name, file.data, composed.placement, notes))
    return replace(item, made=tuple(made), reasons=(*item.reasons, *_merged_reasons(item, refused)))


def hold_against(item: Item, rules: OutputRules) -> Item:
    """Decode what was made, hold it against the rules, and add a reason for every breach.

    What composing had to do otherwise than the rules aim at is added too: as a breach where a
    person has to look at it and no rule of the gate says so already.
    """
    found: list[tuple[str, Reason]] = []
    for made in item.made:
        gate = check_output(made.data, rules, placement=made.placement)
        found += [(made.variant, _breached(breach)) for breach in gate.breaches]
        found += [
            (made.variant, _noted(note)) for note in made.notes if gate.passed or not note.review
        ]
    return replace(item, reasons=(*item.reasons, *_merged_reasons(item, found)))


def decide(item: Item, rules: Rules) -> Item:
    """Add the route and the reasons that belong to it."""
    decision = spot_check(route(item.score, item.reasons, rules), item.content, rules)
    return replace(item, decision=decision, reasons=decision.reasons)


def _cutout(item: Item) -> Cutout:
    if item.cutout is None:
        raise UsageError("the picture was not cut out yet; `cut` comes before the other steps")
    return item.cutout


def _no_subject(text: str) -> Reason:
    return Reason(NO_SUBJECT, 0.0, None, text)


def _torn(found: Cutout) -> Reason:
    share = found.soft_interior or 0.0
    text = (
        f"{percent(share)} of the subject is half clear deep inside (limit {percent(TORN_FROM)}): "
        "it is see-through, or the cut-out torn"
    )
    return Reason("torn", share, TORN_FROM, text)


def _unsure_colours(picture: Picture) -> Reason:
    told = "; ".join(picture.details.notes)
    return Reason("colours-unsure", 0.0, None, f"its colours could not be converted: {told}")


def _breached(breach: Breach) -> Reason:
    value = breach.by or 0.0 if isinstance(breach.measured, str) else float(breach.measured)
    limit = None if isinstance(breach.limit, str) else float(breach.limit)
    return Reason(f"gate:{breach.rule}", value, limit, breach.text)


def _noted(note: Note) -> Reason:
    name = f"gate:{note.name}" if note.review else note.name
    return Reason(name, note.value, note.limit, note.text)


def _merged_reasons(item: Item, found: Sequence[tuple[str, Reason]]) -> tuple[Reason, ...]:
    """Return each reason once, with the variants it holds for if it does not hold for all."""
    variants: dict[str, list[str]] = {}
    first: dict[str, Reason] = {}
    for variant, reason in found:
        first.setdefault(reason.name, reason)
        variants.setdefault(reason.name, []).append(variant)
    told = []
    for name, reason in first.items():
        whom = list(dict.fromkeys(variants[name]))
        where = "" if len(whom) == len(item.variants) else f"{', '.join(whom)}: "
        told.append(replace(reason, text=f"{where}{reason.text}"))
    return tuple(told)
