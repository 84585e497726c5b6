"""The text of docs/presets.md, written from the preset rows; `generate.py` calls it."""

from __future__ import annotations

from collections.abc import Iterator

from maskworks.studio.output.presets import Preset, load_presets
from maskworks.studio.output.rules import OutputRules

INTRODUCTION = """\
A preset is what a marketplace or an ad platform asks of a picture. `maskworks run` makes
pictures by it, and `maskworks check FOLDER --preset NAME` holds pictures against it that were
made anywhere. A campaign names one in `[output]` and may override single fields.

The numbers come from the pages that are linked, whose stored copies were read on the day that
stands beside them. `secondary` means pages about the owner's rules, not the owner's own. Rules
change: look at the owner's page before a large campaign. `maskworks check --on 2027-02-01`
answers for another day."""

FILL = """\
## How fill is measured

No marketplace says what "85 % of the frame" means, so each preset does, and a campaign may say
otherwise with `fill_by`:

| `fill_by` | |
|---|---|
| `longest-side` | the larger of box height / frame height and box width / frame width |
| `height` | box height / frame height |
| `area` | the subject's own area / frame area |
| `box-area` | the area of the subject's box / frame area |"""


def presets_page() -> str:
    """Return docs/presets.md without its head line."""
    presets = load_presets()
    parts = [
        "# Presets",
        INTRODUCTION,
        "\n".join(_table(presets)),
        FILL,
        *(_section(preset) for preset in presets),
    ]
    return "\n\n".join(parts) + "\n"


def _table(presets: tuple[Preset, ...]) -> Iterator[str]:
    yield "| preset | size, pixels | ratio | fill | background | file | evidence |"
    yield "|---|---|---|---|---|---|---|"
    for preset in presets:
        rules = preset.rules_on(preset.checked_on)
        cells = (
            f"[`{preset.name}`](#{preset.name})",
            _size(rules),
            ", ".join(rules.ratio) or "the subject's",
            _fill(rules),
            ", ".join(rules.background),
            _file(rules),
            f"{preset.evidence}, {preset.checked_on}",
        )
        yield f"| {' | '.join(cells)} |"


def _size(rules: OutputRules) -> str:
    if rules.size:
        return f"{rules.size} exactly"
    sides = ((rules.min_side, "least"), (rules.advised_side, "advised"), (rules.max_side, "most"))
    known = [f"{side:,} {word}" for side, word in sides if side is not None]
    return f"{rules.side} side: {', '.join(known)}" if known else "the photo's own"


def _fill(rules: OutputRules) -> str:
    if rules.fill is None:
        return f"padding {rules.padding:.0%}"
    low, high = rules.fill_min, rules.fill_max
    accepted = f" ({low or 0:.0%} to {high or 1:.0%})" if low or high else ""
    return f"{rules.fill:.0%}{accepted}"


def _file(rules: OutputRules) -> str:
    most = f", {rules.max_bytes / 1e6:g} MB" if rules.max_bytes else ""
    return f"{', '.join(rules.formats)}{most}"


def _section(preset: Preset) -> str:
    lines = [f"## {preset.name}", "", f"{preset.title}. Checked on {preset.checked_on}:", ""]
    lines += [f"- <{s}>" if s.startswith("http") else f"- {s}" for s in preset.source]
    lines += ["", *(f"- {note}" for note in preset.notes)] if preset.notes else []
    for change in preset.changes:
        changed = ", ".join(f"`{key} = {value}`" for key, value in change.rules.items())
        lines += ["", f"From **{change.valid_from}**: {changed} (<{change.source}>)."]
    rules = preset.rules_on(preset.checked_on)
    if rules.advice:
        lines += ["", f"Advice, told but failing nothing: {', '.join(rules.advice)}."]
    return "\n".join(lines)
