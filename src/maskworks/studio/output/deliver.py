"""Compose one finished picture of a cut-out, as a preset or the caller's own rules say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.public import public
from maskworks.core.values import Image, Matte
from maskworks.core.writing import write_atomic
from maskworks.cutouts.backgrounds import Background, parse_background
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.display import on_checkerboard
from maskworks.studio.output.compose import compose_photo
from maskworks.studio.output.encoding import EncodedFile, encode_deliverable
from maskworks.studio.output.gate import Breach, check_output
from maskworks.studio.output.placing import Placement
from maskworks.studio.output.presets import rules_from
from maskworks.studio.output.rules import OutputRules

Shadow = Literal["none", "soft", "contact"]


@dataclass(frozen=True, eq=False)
class Deliverable:
    """A finished picture and its file, held against the rules it was made by.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W), or None if the picture is opaque
    placement : Placement
        Where the subject lies.
    file : EncodedFile
        What `save` writes, in the format of the rules.
    suffix : str
        Of that format, with its dot.
    breaches : what the file itself breaks of the rules; empty if it may be delivered
    """

    image: Image = field(repr=False)
    matte: Matte | None = field(repr=False)
    placement: Placement
    file: EncodedFile = field(repr=False)
    suffix: str
    breaches: tuple[Breach, ...] = ()

    def save(self, path: str | Path) -> Path:
        """Write the file and return its path; without a suffix it gets the right one.

        Raises
        ------
        UsageError
            If the suffix is another than that of the rules.
        OutputError
            If the file cannot be written.
        """
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(self.suffix)
        written = ".jpg" if target.suffix.lower() == ".jpeg" else target.suffix.lower()
        if written != self.suffix:
            raise UsageError(f"{target}: the rules ask for {self.suffix}; name it so")
        write_atomic(target, self.file.data)
        return target

    def _repr_png_(self) -> bytes:
        """Show the picture in a notebook; what is clear shows a checkerboard."""
        import numpy as np

        opaque = Matte(np.ones(self.image.size, np.float32))
        return on_checkerboard(self.image, self.matte or opaque)


@public
def compose(
    cut: Cutout,
    preset: str | None = None,
    *,
    background: Background | str | None = None,
    shadow: Shadow | None = None,
    rules: OutputRules | Mapping[str, Any] | None = None,
) -> Deliverable:
    """Put a cut-out on its background as a preset or rules say, and check the result.

    Parameters
    ----------
    preset : str, optional
        A preset's name ("amazon-main") or the path of a preset file.
    background : Background, or "none", "blur", a colour or the path of a picture; optional
        By default the first that the rules name.
    shadow : "none", "soft" or "contact", optional
        Instead of the rules' own.
    rules : OutputRules, or a mapping of its fields, optional
        Instead of a preset; a mapping may name one: ``{"preset": "etsy", "fill": 0.9}``.

    Returns
    -------
    Deliverable
        Look at its `breaches`: a picture that the rules would refuse is made all the same.

    Raises
    ------
    UsageError
        If there is no such preset, both it and rules are given, a rule cannot be, or the
        rules allow no such background.
    ImageError
        If the cut-out has no subject.

    Examples
    --------
    >>> import numpy as np
    >>> from maskworks.cutouts.masks import refine_mask
    >>> inside = np.zeros((60, 60), bool)
    >>> inside[15:45, 15:45] = True
    >>> out = compose(refine_mask(np.full((60, 60, 3), 90, np.uint8), inside), "transparent-png")
    >>> out.suffix
    '.png'
    """
    if cut.status == "no-subject":
        raise ImageError("the cut-out has no subject, so there is nothing to compose")
    if rules is not None and preset is not None:
        raise UsageError("a preset and rules are both given; give one of the two")
    if not isinstance(rules, OutputRules):
        fields = dict(rules or {}) if preset is None else {"preset": preset}
        rules = rules_from(fields, today=datetime.now(UTC).date())
    if shadow is not None:
        rules = rules.model_copy(update={"shadow": shadow})
    behind = parse_background(background) if isinstance(background, str) else background
    composed = compose_photo(cut.image, cut.foreground, cut.matte, rules, behind)
    file = encode_deliverable(composed, rules, cut.details, behind)
    gate = check_output(file.data, rules, placement=composed.placement)
    return Deliverable(
        image=composed.image,
        matte=composed.matte,
        placement=composed.placement,
        file=file,
        suffix={"jpg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tiff"}[rules.written],
        breaches=gate.breaches,
    )
