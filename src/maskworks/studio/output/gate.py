"""The gate: what was really written, decoded again and held against the rules. No opinion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.studio.output.ground import Whiteness
from maskworks.studio.output.measuring import Measured, measure_output
from maskworks.studio.output.placing import Placement
from maskworks.studio.output.rules import OutputRules, RuleName

_LIMITS = Limits()
_FILL_SLACK_PX = 2  # where an edge begins is a matter of a pixel on either side


@dataclass(frozen=True)
class Breach:
    """A rule that a file breaks.

    Parameters
    ----------
    rule : its name, as in `OutputRules.advice`
    measured, limit : in the rule's own unit; text where it is no number
    by : how far `measured` lies from `limit`; None where there is no number
    text : a sentence with all of it
    """

    rule: RuleName
    measured: float | str
    limit: float | str
    by: float | None
    text: str


@dataclass(frozen=True)
class Gate:
    """What the gate says of one file.

    Parameters
    ----------
    breaches : what fails
    advice : what is advised and not met; fails nothing
    unknown : rules that this file alone cannot be held against
    """

    measured: Measured
    breaches: tuple[Breach, ...] = ()
    advice: tuple[Breach, ...] = ()
    unknown: tuple[RuleName, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.breaches


@public
def check_output(
    source: Path | bytes,
    rules: OutputRules,
    *,
    placement: Placement | None = None,
    limits: Limits = _LIMITS,
) -> Gate:
    """Decode a written picture and hold it against the rules.

    Parameters
    ----------
    source : Path or bytes
        The file itself, not what was meant to be in it.
    placement : Placement, optional
        Of a picture that `compose` made: what no file tells (where the subject is on a
        picture background, whether it was enlarged). Without it, these rules are `unknown`
        unless the background is clear, transparent or of one colour.

    Raises
    ------
    ImageError
        If the file cannot be read.

    Examples
    --------
    >>> check_output(Path("shoe.jpg"), rules).passed  # doctest: +SKIP
    True
    """
    return judge_output(measure_output(source, rules, placement=placement, limits=limits), rules)


def judge_output(measured: Measured, rules: OutputRules) -> Gate:
    """Hold measurements against the rules; pure.

    Examples
    --------
    >>> seen = Measured(format="jpg", bytes=9_000, size=(400, 400))
    >>> [breach.text for breach in judge_output(seen, OutputRules(min_side=500)).breaches]
    ['the longest side has 400 pixels, the least is 500: 100 too few']
    """
    found = [breach for rule in _RULES for breach in rule(measured, rules)]
    return Gate(
        measured,
        breaches=tuple(b for b in found if b.rule not in rules.advice),
        advice=(*(b for b in found if b.rule in rules.advice), *_advised_side(measured, rules)),
        unknown=_unknown(measured, rules),
    )


def _number(rule: RuleName, measured: float, limit: float, text: str) -> list[Breach]:
    return [Breach(rule, measured, limit, abs(measured - limit), text)]


def _format(seen: Measured, rules: OutputRules) -> list[Breach]:
    if seen.format in rules.formats:
        return []
    allowed = ", ".join(rules.formats)
    text = f"the file is {seen.format}, allowed are {allowed}"
    return [Breach("format", seen.format, allowed, None, text)]


def _bytes(seen: Measured, rules: OutputRules) -> list[Breach]:
    most = rules.max_bytes
    if most is None or seen.bytes <= most:
        return []
    text = f"the file has {seen.bytes:,} bytes, at most {most:,}: {seen.bytes - most:,} too many"
    return _number("bytes", seen.bytes, most, text)


def _side(seen: Measured, rules: OutputRules) -> int:
    return max(seen.size) if rules.side == "longest" else min(seen.size)


def _sides(seen: Measured, rules: OutputRules) -> list[Breach]:
    side, found = _side(seen, rules), []
    if rules.min_side is not None and side < rules.min_side:
        text = (
            f"the {rules.side} side has {side:,} pixels, the least is {rules.min_side:,}: "
            f"{rules.min_side - side:,} too few"
        )
        found += _number("min-side", side, rules.min_side, text)
    if rules.max_side is not None and side > rules.max_side:
        text = (
            f"the {rules.side} side has {side:,} pixels, the most is {rules.max_side:,}: "
            f"{side - rules.max_side:,} too many"
        )
        found += _number("max-side", side, rules.max_side, text)
    return found


def _advised_side(seen: Measured, rules: OutputRules) -> list[Breach]:
    side, advised = _side(seen, rules), rules.advised_side
    if advised is None or side >= advised or side < (rules.min_side or 0):
        return []
    text = f"the {rules.side} side has {side:,} pixels, {advised:,} are advised"
    return _number("advised-side", side, advised, text)


def _size(seen: Measured, rules: OutputRules) -> list[Breach]:
    if rules.exact_size in (None, seen.size):
        return []
    shown = f"{seen.size[1]}x{seen.size[0]}"
    text = f"the picture has {shown} pixels, asked are {rules.size}"
    return [Breach("size", shown, rules.size or "", None, text)]


def _ratio(seen: Measured, rules: OutputRules) -> list[Breach]:
    if not rules.ratios:
        return []
    height, width = seen.size
    aspect = width / height
    off, name = min(
        (abs(aspect / r - 1), n) for r, n in zip(rules.ratios, rules.ratio, strict=True)
    )
    rounding = 1 / min(height, width)
    if off <= max(rules.ratio_tolerance, rounding):
        return []
    text = (
        f"the ratio is {aspect:.3f} (width : height), the nearest allowed is {name}: {off:.1%} off"
    )
    return [Breach("ratio", aspect, name, off, text)]


def _pixels(seen: Measured, rules: OutputRules) -> list[Breach]:
    pixels, most = seen.size[0] * seen.size[1], rules.max_pixels
    if most is None or pixels <= most:
        return []
    text = f"the picture has {pixels:,} pixels, at most {most:,}: {pixels - most:,} too many"
    return _number("pixels", pixels, most, text)


def _fill(seen: Measured, rules: OutputRules) -> list[Breach]:
    if seen.fill is None:
        return []
    height, width = seen.size
    slack = _FILL_SLACK_PX / (min(height, width) if rules.fill_by != "height" else height)
    for limit, off in ((rules.fill_min, -1), (rules.fill_max, 1)):
        if limit is not None and (seen.fill - limit) * off > slack:
            word = "least" if off < 0 else "most"
            text = (
                f"the subject fills {seen.fill:.1%} of the frame ({rules.fill_by}), the {word} is "
                f"{limit:.0%}: {abs(seen.fill - limit) * 100:.1f} points off"
            )
            return _number("fill", seen.fill, limit, text)
    return []


def _ground(seen: Measured, _rules: OutputRules) -> list[Breach]:
    found = []
    parts: tuple[tuple[RuleName, Whiteness | None, str], ...] = (
        ("border", seen.border, "border pixels"),
        ("corners", seen.corners, "pixels in the four corners"),
    )
    for rule, part, name in parts:
        if part is not None and part.off:
            row, column = part.worst_at
            text = (
                f"{part.off:,} of {part.count:,} {name} are not {part.colour}; the worst is "
                f"{part.worst} levels off, at row {row}, column {column}"
            )
            found += _number(rule, part.off, 0, text)
    return found


def _edges(seen: Measured, rules: OutputRules) -> list[Breach]:
    if rules.edges == "any" or not seen.touches:
        return []
    where = ", ".join(seen.touches)
    text = f"the subject touches the frame: {where}"
    return [Breach("edges", where, "none", float(len(seen.touches)), text)]


def _keep_clear(seen: Measured, rules: OutputRules) -> list[Breach]:
    zones, box = rules.keep_clear, seen.box
    if box is None:
        return []
    height, width = seen.size
    margins = (
        ("top", box.top / height, zones.top),
        ("right", 1 - box.right / width, zones.right),
        ("bottom", 1 - box.bottom / height, zones.bottom),
        ("left", box.left / width, zones.left),
    )
    slack = _FILL_SLACK_PX / min(height, width)
    found = []
    for side, free, asked in margins:
        if free < asked - slack:
            text = (
                f"the subject leaves {free:.1%} free at the {side}, keep clear {asked:.0%}: "
                f"{(asked - free) * 100:.1f} points short"
            )
            found += _number("keep-clear", free, asked, text)
    return found


def _transparency(seen: Measured, rules: OutputRules) -> list[Breach]:
    if seen.transparent and "transparent" not in rules.background and rules.demands_colour:
        text = f"the file has transparent pixels, the rules demand {', '.join(rules.background)}"
        return [Breach("transparency", "transparent", "opaque", None, text)]
    if not seen.transparent and rules.background == ("transparent",):
        text = "no pixel of the file is transparent, the background has to be"
        return [Breach("transparency", "opaque", "transparent", None, text)]
    return []


def _colour(seen: Measured, rules: OutputRules) -> list[Breach]:
    if rules.colour == "any" or seen.srgb:
        return []
    text = f"the colours are {seen.profile or 'not RGB'}, sRGB is asked"
    return [Breach("colour", seen.profile or "not RGB", "sRGB", None, text)]


def _quality(seen: Measured, rules: OutputRules) -> list[Breach]:
    if seen.jpeg_quality is None or seen.jpeg_quality >= rules.min_quality:
        return []
    text = (
        f"the JPEG quality is about {seen.jpeg_quality}, the least is {rules.min_quality}: "
        f"{rules.min_quality - seen.jpeg_quality} too low"
    )
    return _number("quality", seen.jpeg_quality, rules.min_quality, text)


def _upscaling(seen: Measured, rules: OutputRules) -> list[Breach]:
    if seen.scale is None or seen.scale <= rules.max_scale + 1e-9:
        return []
    text = (
        f"the subject is enlarged to {seen.scale:.0%} of its photo, at most "
        f"{rules.max_scale:.0%}: {(seen.scale - rules.max_scale) * 100:.0f} points too much"
    )
    return _number("upscaling", seen.scale, rules.max_scale, text)


_RULES: tuple[Callable[[Measured, OutputRules], list[Breach]], ...] = (
    _format, _bytes, _size, _sides, _ratio, _pixels, _transparency, _ground,
    _edges, _keep_clear, _fill, _colour, _quality, _upscaling,
)  # fmt: skip


def _unknown(seen: Measured, rules: OutputRules) -> tuple[RuleName, ...]:
    zones = rules.keep_clear
    asks_fill = rules.fill_min is not None or rules.fill_max is not None
    asks: tuple[tuple[RuleName, bool, bool], ...] = (
        ("fill", asks_fill, seen.fill is None),
        ("edges", rules.edges == "clear", seen.box is None),
        ("keep-clear", max(zones.top, zones.right, zones.bottom, zones.left) > 0, seen.box is None),
        ("upscaling", True, seen.scale is None),
    )
    return tuple(rule for rule, asked, missing in asks if asked and missing)
