"""What is written beside a trained model: its row of the catalogue, and a card of the run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskworks.core.writing import write_text_atomic
from maskworks.models import exporting
from maskworks.train.exported import Exported
from maskworks.train.labels.exporting import Opened
from maskworks.train.labels.pictures import Pictures
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.row import row_of
from maskworks.train.labels.scoring import Scores

NOTES = "## Notes"
WEAK = 0.5
"""A class below this figure stands among the failures that are known."""

WATTS_A_CORE = 15
"""What a busy core of a server is taken to draw where nothing was metered."""


@dataclass(frozen=True)
class Assessed:
    """What was measured of one exported file; `scores` is None without the pictures.

    `interval` is that of the figure that decides, at 95 %.
    """

    precision: str
    file: Exported
    scores: Scores | None = None
    interval: tuple[float, float] = (float("nan"), float("nan"))
    pictures: int = 0
    worst: Sequence[tuple[str, float]] = ()


def write_row(recipe: LabelRecipe, exported: Exported) -> Path:
    """Write ``model.toml`` beside a file, which makes its folder a model; return its path."""
    row = row_of(recipe, file=exported.path.name, sha256=exported.sha256)
    row = row.model_copy(update={"bytes": exported.bytes, "card": f"{recipe.name}.md"})
    return exporting.write_row(row, exported.path.parent)


def write_card(
    run: Path, done: Opened, files: Sequence[Assessed], refused: Sequence[str] = ()
) -> Path:
    """Write NAME.md beside the files; what follows the line "## Notes" is kept."""
    path = files[0].file.path.with_name(f"{done.recipe.name}.md")
    notes = "None yet."
    if path.is_file() and NOTES in (before := path.read_text("utf-8")):
        notes = before.split(NOTES, 1)[1].strip()
    write_text_atomic(path, f"{card_text(run, done, files, refused)}\n{NOTES}\n\n{notes}\n")
    return path


def card_text(
    run: Path, done: Opened, files: Sequence[Assessed], refused: Sequence[str] = ()
) -> str:
    """Render what the run says of itself as Markdown; `refused` are precisions not kept."""
    recipe, at = done.recipe, done.saved["progress"]
    digest = hashlib.sha256((run / "recipe.toml").read_bytes()).hexdigest()
    shown = recipe.network + (f" with the encoder {recipe.encoder}" if recipe.encoder else "")
    count = sum(p.numel() for p in done.network.parameters())
    lines = [
        f"# {recipe.name}",
        "",
        f"Written by `maskworks export` from the run; what follows the line `{NOTES}` is kept.",
        "",
        *(_file_line(each) for each in files),
        f"- Network: {shown}, {count:,} parameters; targets: {recipe.targets}; classes: "
        + ", ".join(recipe.class_names),
        f"- Input: {_input_of(recipe)}",
        f"- Recipe: sha256 `{digest}`, seed {recipe.seed}; started from {done.saved['begun']}",
        _trained(at),
        f"- Licence of these weights: {recipe.licence}",
        "",
        "## Learnt from",
        "",
        "| pictures | labels | origin and terms |",
        "|---|---|---|",
        _source_line(recipe.train),
        "",
        f"The moment to stop was chosen on {recipe.dev.folder}. No picture of it was learnt from.",
        "",
        *_scores(files, refused),
        "## Intended use",
        "",
        f"Pictures like those of {recipe.train.folder}; nothing was measured on others.",
        "",
        "## Known failures",
        "",
        *(_failures(files) or ["Not looked for: export with `--data DIR`."]),
        "",
        "## Energy and time of training",
        "",
        _energy(done.saved),
    ]
    return "\n".join([*lines, ""])


def _trained(at: Mapping[str, Any]) -> str:
    return (
        f"- Trained: {at['elapsed_s'] / 60:.0f} minutes, {at['step']} steps, {at['pictures']} "
        f"views drawn; the best of its dev scores is {at['best']:.4f}"
    )


def _file_line(each: Assessed) -> str:
    file = each.file
    proof = f", at most {file.difference:.1e} from PyTorch" if file.difference else ""
    size = f"{file.bytes / 1e6:.2f} MB"
    return f"- File: `{file.path.name}`, {each.precision}, {size}, sha256 `{file.sha256}`{proof}"


def _input_of(recipe: LabelRecipe) -> str:
    if recipe.input == "keep":
        return "pictures at their own size"
    return f"pictures resized into {recipe.height}x{recipe.width} and padded"


def _source_line(rule: Pictures) -> str:
    how = f"{rule.count} drawn, seed {rule.seed}" if rule.format == "drawn" else rule.format
    return f"| {rule.folder} | {how} | {rule.terms} |"


def _energy(saved: Mapping[str, Any]) -> str:
    minutes = saved["progress"]["elapsed_s"] / 60
    threads, device = saved.get("threads"), saved.get("device", "cpu")
    if device != "cpu":
        return f"{minutes:.0f} minutes on {device}. No meter was read, so energy is not stated."
    cores = threads or 1
    known = f"{cores} thread{'s' if cores > 1 else ''}" if threads else "at least one core"
    spent = minutes / 60 * WATTS_A_CORE * cores / 1000
    return (
        f"{minutes:.0f} minutes on {known}. No meter was read: at {WATTS_A_CORE} W for one busy "
        f"core of a server, which is an assumption, that is {spent:.3g} kWh. Runs that were "
        "discarded, and the training of weights it started from, are not counted."
    )


def _scores(files: Sequence[Assessed], refused: Sequence[str]) -> list[str]:
    found = [each for each in files if each.scores is not None]
    if not found:
        return ["## Scores", "", "Not measured: export with `--data DIR`.", ""]
    first = found[0].scores
    names = [] if first is None else [f"dev {first.name} (95 %)", *first.classes]
    head = " | ".join(names)
    lines = [f"## Scores on {found[0].pictures} dev pictures", "", f"| precision | {head} |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for each in found:
        if each.scores is not None:
            low, high = each.interval
            row = " | ".join(f"{value:.4f}" for value in each.scores.classes.values())
            main = f"{each.scores.main:.4f} ({low:.4f} to {high:.4f})"
            lines.append(f"| {each.precision} | {main} | {row} |")
    lines += ["", "Intervals are percentile bootstrap over pictures.", ""]
    if refused:
        lines += ["Not kept, since it cost too much:", "", *(f"- {each}" for each in refused), ""]
    return lines


def _failures(files: Sequence[Assessed]) -> list[str]:
    lines: list[str] = []
    for each in files[:1]:
        figures: Mapping[str, float] = {} if each.scores is None else each.scores.classes
        weak = [f"{name} {value:.2f}" for name, value in figures.items() if value < WEAK]
        if weak:
            lines.append(f"Weak on dev: {', '.join(weak)}.")
        if each.worst:
            worst = ", ".join(f"{name} ({value:.2f})" for name, value in each.worst)
            lines.append(f"Its worst dev pictures: {worst}.")
    return lines
