"""Model card: intended use, training data, metrics and fairness."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.evaluate.card_reports import confidence_part, groups_part, scores_part
from maskworks.evaluate.governance import Law, every_note, notes_on
from maskworks.models.card_file import card_folder, card_text, read_reports
from maskworks.models.spec import ModelSpec

UNSTATED = "Not stated by whoever made or added this model."

PARTS: Mapping[str, tuple[str, ...]] = {
    "Intended use": ("intended use", "uses", "what it is for"),
    "Data and terms": ("learnt from", "data", "training data", "dataset"),
    "Scores": ("scores", "score", "evaluation", "results", "metrics"),
    "For whom it fails": ("for whom", "groups", "fairness"),
    "Can its confidence be trusted": ("confidence", "can its confidence", "calibration"),
    "Known failures": ("known failures", "limitations", "bias"),
    "Energy and time of training": ("energy", "environmental", "training time"),
}
"""Parts every card has, and how headings of a Markdown card that belong there begin."""

_PURPOSE = {
    "saliency": "Finds the one subject of a photo and answers a soft matte (`maskworks cutout`).",
    "semantic": "Gives every pixel of a photo one of its classes (`maskworks segment`).",
    "instance": "Gives every object it knows a mask and a class (`maskworks segment`).",
}


@dataclass(frozen=True)
class ModelCard:
    """A card's parts in order: heading and Markdown; `folder` holds its pictures."""

    name: str
    summary: str
    parts: tuple[tuple[str, str], ...]
    folder: Path

    def markdown(self) -> str:
        """Return the whole card."""
        body = "\n\n".join(f"## {heading}\n\n{text.strip()}" for heading, text in self.parts)
        return f"# {self.name}\n\n{self.summary}\n\n{body}\n"


def model_card(spec: ModelSpec, *, folder: Path | None = None) -> ModelCard:
    """Put a model's card together from its row, its Markdown and the reports beside it.

    Parameters
    ----------
    folder : Path, optional
        Where a model that is a folder lies.

    Returns
    -------
    ModelCard
        A part of which nobody said anything says so.

    Raises
    ------
    ModelError
        If the file of reports is damaged.
    """
    written = _sections(card_text(spec, folder=folder) or "")
    reports = read_reports(spec, folder=folder)
    measured = {
        "Scores": scores_part(spec, reports),
        "For whom it fails": groups_part(spec, reports),
        "Can its confidence be trusted": confidence_part(spec, reports),
    }
    taken: set[str] = set()
    parts = [("At a glance", _glance(spec))]
    for heading, names in PARTS.items():
        own = [name for name in written if _belongs(name, names) and name not in taken]
        taken.update(own)
        said = "\n\n".join(filter(None, (written[name] for name in own)))
        text = "\n\n".join(filter(None, (said, measured.get(heading, ""))))
        parts.append((heading, text or _missing(heading, spec)))
        if heading == "Intended use" and not said:
            parts[-1] = (heading, f"{_PURPOSE[spec.family]} {UNSTATED}")
        if heading == "Data and terms":
            parts[-1] = (heading, "\n\n".join(filter(None, (spec.data, said, _terms(spec)))))
    parts += [("EU AI Act", _notes(spec, "ai-act")), ("GDPR", _notes(spec, "gdpr"))]
    rest = ((name, text) for name, text in written.items() if name not in taken)
    parts += [(name or "How it was made", text) for name, text in rest]
    return ModelCard(spec.name, spec.title, tuple(parts), folder or card_folder(spec))


def _sections(text: str) -> dict[str, str]:
    """Return the Markdown below each ``##`` heading; what stands above the first is ""."""
    found: dict[str, list[str]] = {"": []}
    name, fenced = "", False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (heading := re.match(r"## +(.+)", line)):
            name = heading[1].strip()
            found.setdefault(name, [])
        elif not (line.startswith("# ") and not fenced):
            found[name].append(line)
    return {
        each: body
        for each, lines in found.items()
        if (body := "\n".join(lines).strip()) and body.lower().rstrip(".") != "none yet"
    }


def _belongs(name: str, starts: Sequence[str]) -> bool:
    words = name.lower()
    return any(words == start or words.startswith((f"{start} ", f"{start},")) for start in starts)


def _glance(spec: ModelSpec) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in _facts(spec))])


def _facts(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    yield "Name", f"`{spec.name}`"
    yield "Answers", _PURPOSE[spec.family]
    yield "Licence of the weights", spec.licence
    yield "Commercial use by that licence", "yes" if spec.commercial else "no, or not known"
    shape = f"{spec.input.height} x {spec.input.width} pixels, {spec.input.resize}"
    yield "Input", shape
    classes = spec.taxonomy or ", ".join(spec.classes)
    if classes:
        yield "Classes", classes
    if spec.family == "saliency":
        said = [n for n, has in _answers(spec) if has]
        yield "Says of itself", ", ".join(said) or "nothing: no confidence, no presence"
    if spec.bytes:
        yield "Size", f"{spec.bytes / 1e6:.2f} MB"
    for kind, value in spec.checksums:
        yield kind, f"`{value}`"
    yield (
        "Comes",
        {
            "embedded": "in the package",
            "release": "by `maskworks models pull`",
            "imported": "from whoever imported it",
        }[spec.origin],
    )
    yield "Source", spec.source


def _answers(spec: ModelSpec) -> tuple[tuple[str, bool], ...]:
    return (
        ("confidence (its expected IoU)", spec.output.confidence),
        ("presence of a subject", spec.output.presence),
    )


def _terms(spec: ModelSpec) -> str:
    allowed = "allows" if spec.commercial else "does not allow, or is not known to allow,"
    return (
        f"The licence of the weights, {spec.licence}, {allowed} commercial use. What the terms of "
        "the training pictures mean for weights is for counsel; here stands what was used."
    )


def _missing(heading: str, spec: ModelSpec) -> str:
    add = f"`maskworks models card {spec.name} --add R.json` keeps it here."
    if heading == "Scores":
        return f"{UNSTATED} Measure it with `maskworks evaluate ... --json R.json`; {add}"
    if heading == "For whom it fails":
        return f"Not measured. `maskworks evaluate fairness ... --json R.json` does; {add}"
    if heading == "Can its confidence be trusted" and spec.output.confidence:
        return f"Not measured. `maskworks evaluate calibration ... --json R.json` does; {add}"
    return "It gives none." if heading == "Can its confidence be trusted" else UNSTATED


def _notes(spec: ModelSpec, law: Law) -> str:
    lines = "\n".join(f"- {note}" for note in notes_on(spec, law))
    return f"{lines}\n\nAs of {every_note().checked_on}; notes, and no legal advice."
