"""`maskworks check`: hold finished pictures, made anywhere, against a preset."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from maskworks.apps.cli.options import ThreadsOption
from maskworks.batch.inputs import InputPicture, find_pictures
from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.reading import Limits
from maskworks.studio.output.gate import Gate, check_output
from maskworks.studio.output.presets import find_preset, load_presets
from maskworks.studio.output.rules import OutputRules


@dataclass(frozen=True)
class Checked:
    """What became of one picture: the gate's answer, or why it could not be read."""

    shown: str
    gate: Gate | None
    error: ImageError | None = None

    @property
    def passed(self) -> bool:
        """Whether it was read and nothing fails."""
        return self.gate is not None and self.gate.passed


def check(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="FOLDER...", help="Folders, pictures or patterns."),
    ] = None,
    *,
    preset: Annotated[
        str | None, typer.Option(help="A name that --list prints, or the path of your own .toml.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--json", help="Write every measurement to this file too.")
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day whose rules hold; default today."),
    ] = None,
    list_presets: Annotated[bool, typer.Option("--list", help="List the presets.")] = False,
    threads: ThreadsOption = 0,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse a larger picture before it is decoded.")
    ] = Limits().max_pixels,
) -> None:
    """Measure finished pictures and say which rules of a preset they break, and by how much.

    Nothing is changed. On a white picture the subject is what differs from white by more than
    10 levels of 255, its shadow included.
    """
    if list_presets:
        for line in _listed():
            print(line)
        return
    if not pictures or preset is None:
        raise UsageError(
            "name a folder and a preset, as in `maskworks check FOLDER --preset amazon-main`; "
            "`maskworks check --list` shows the presets"
        )
    day = date.today() if on is None else on.date()  # noqa: DTZ011 - the user's own calendar
    rules = find_preset(preset).rules_on(day)
    found = find_pictures(pictures)
    workers = threads or os.cpu_count() or 1
    done: list[Checked] = []
    for checked in _check_all(found.pictures, rules, Limits(max_pixels), workers):
        done.append(checked)
        print("\n".join(_lines(checked)), flush=True)
    print(_summary(done, rules))
    if report is not None:
        write_text_atomic(report, json.dumps(_record(done, rules), indent=2) + "\n")
    if not all(checked.passed for checked in done):
        raise typer.Exit(1)


def _check_all(
    pictures: tuple[InputPicture, ...], rules: OutputRules, limits: Limits, workers: int
) -> Iterator[Checked]:
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(partial(_check_one, rules=rules, limits=limits), pictures)


def _check_one(found: InputPicture, *, rules: OutputRules, limits: Limits) -> Checked:
    try:
        return Checked(found.shown, check_output(found.path, rules, limits=limits))
    except ImageError as error:
        return Checked(found.shown, None, error)


def _lines(checked: Checked) -> Iterator[str]:
    yield f"{'pass' if checked.passed else 'FAIL'}  {checked.shown}"
    if checked.error is not None:
        yield f"      {checked.error.code}: {checked.error}"
    if checked.gate is not None:
        for breach in checked.gate.breaches:
            yield f"      {breach.rule}: {breach.text}"
        for breach in checked.gate.advice:
            yield f"      ({breach.rule}: {breach.text})"


def _summary(done: list[Checked], rules: OutputRules) -> str:
    failed = [checked for checked in done if not checked.passed]
    broken: Counter[str] = Counter(
        rule
        for checked in failed
        for rule in (
            {breach.rule for breach in checked.gate.breaches} if checked.gate else {"unreadable"}
        )
    )
    noun = "picture" if len(done) == 1 else "pictures"
    text = f"{len(done)} {noun} against {rules.preset} of {rules.as_of}: "
    text += f"{len(done) - len(failed)} pass, {len(failed)} fail"
    if broken:
        text += f" ({', '.join(f'{rule} {count}' for rule, count in broken.most_common())})"
    unknown = sorted({rule for checked in done if checked.gate for rule in checked.gate.unknown})
    return f"{text}\nnot shown by a file alone: {', '.join(unknown)}" if unknown else text


def _record(done: list[Checked], rules: OutputRules) -> dict[str, Any]:
    return {
        "preset": rules.preset,
        "on": rules.as_of,
        "passed": sum(checked.passed for checked in done),
        "failed": sum(not checked.passed for checked in done),
        "pictures": [_picture_record(checked) for checked in done],
    }


def _picture_record(checked: Checked) -> dict[str, Any]:
    record: dict[str, Any] = {"file": checked.shown, "passed": checked.passed}
    if checked.error is not None:
        return {**record, "error": {"code": checked.error.code, "message": str(checked.error)}}
    return record if checked.gate is None else {**record, **asdict(checked.gate)}


def _listed() -> Iterator[str]:
    presets = load_presets()
    wide = max(len(preset.name) for preset in presets) + 2
    for preset in presets:
        yield f"{preset.name:{wide}}{preset.title} ({preset.evidence}, {preset.checked_on})"
        for change in preset.changes:
            changed = ", ".join(f"{key} {value}" for key, value in change.rules.items())
            yield f"{'':{wide}}from {change.valid_from}: {changed}"
