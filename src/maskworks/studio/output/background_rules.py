"""Which backgrounds the rules allow, which is the default, and whether one is large enough."""

from __future__ import annotations

from maskworks.core.errors import UsageError
from maskworks.cutouts.backgrounds import Backdrop, Background, Plain
from maskworks.studio.output.placing import frame_of
from maskworks.studio.output.rules import OutputRules

WHITE = (255, 255, 255)


def check_background(
    background: Background, rules: OutputRules, *, canvas: tuple[int, int] | None = None
) -> None:
    """Raise UsageError unless the rules allow this background.

    Parameters
    ----------
    canvas : (H, W), optional
        Of the output; a picture must have the pixels to cover it within `rules.max_scale`.
        `largest_canvas` gives the one to check a campaign with.
    """
    allowed = ", ".join(rules.background)
    if isinstance(background, Plain):
        if "any" not in rules.background and background.colour not in rules.colours:
            shown = "#{:02x}{:02x}{:02x}".format(*background.colour)
            raise UsageError(f"the background {shown} is not allowed; the rules demand {allowed}")
        return
    if "any" not in rules.background:
        raise UsageError(
            f"a picture as background is not allowed; the rules demand {allowed}. Choose another "
            "preset for this concept, or set background to any"
        )
    if isinstance(background, Backdrop) and canvas is not None:
        (rows, columns), (height, width) = background.image.size, canvas
        scale = max(height / rows, width / columns)
        if scale > rules.max_scale + 1e-9:
            raise UsageError(
                f"the background has {columns}x{rows} pixels and would be enlarged to {scale:.0%} "
                f"to cover {width}x{height}, at most {rules.max_scale:.0%} is allowed; give a "
                "larger picture, a smaller size, or raise max_scale"
            )


def largest_canvas(rules: OutputRules) -> tuple[int, int] | None:
    """Return the (H, W) of the largest picture these rules make, None if the photo decides.

    Examples
    --------
    >>> largest_canvas(OutputRules(ratio="4:5", advised_side=1350))
    (1350, 1080)
    """
    side = rules.advised_side or rules.min_side
    if rules.exact_size is not None or side is None or not rules.ratios:
        return rules.exact_size
    return frame_of(rules.ratios[0], side, rules.side)


def default_background(rules: OutputRules) -> Plain | None:
    """Return the first background of the rules that the written format can hold, None: clear.

    Examples
    --------
    >>> default_background(OutputRules(background=["transparent", "#fff"], format="jpg"))
    Plain(colour=(255, 255, 255))
    """
    opaque = rules.written == "jpg"
    for ground in rules.background:
        if ground.startswith("#"):
            return Plain(rules.colours[0])
        if not opaque:
            return None
    return Plain(WHITE)
