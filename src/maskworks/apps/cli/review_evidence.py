"""`maskworks review evidence` and `agreement`: verdicts on what `maskworks suitability` found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.campaigns import person
from maskworks.scene.writing.exchange import timecode
from maskworks.scene.writing.files import RECORD, read_record

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="That `maskworks suitability` wrote.")
]


def evidence(
    folder: Folder,
    *,
    finding: Annotated[
        str | None, typer.Option(metavar="ID", help="Such as f00001; without it all are listed.")
    ] = None,
    verdict: Annotated[
        str, typer.Option(metavar="WORD", help='confirm, dismiss or "wrong category".')
    ] = "confirm",
    category: Annotated[
        str | None, typer.Option(help='With "wrong category": the right one, a name or an IAB id.')
    ] = None,
    reason: Annotated[str, typer.Option(help="In words, for the record.")] = "",
    by: Annotated[str | None, typer.Option(help="Who decides. Default: this user.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only say whether the trail of verdicts is whole.")
    ] = False,
) -> None:
    """List the evidence of a clip or picture, or say of one finding whether it is right.

    The finding stays; the verdict stands beside it in the record, the tables and the report.
    """
    from maskworks.studio.review.evidence import judge_evidence, verify_verdicts

    if verify:
        count, digest = verify_verdicts(folder)
        print(f"{count} verdicts, none changed; the last digest is {digest or 'none'}")
        return
    if finding is not None:
        found, said = judge_evidence(
            folder, finding, verdict, by=person(by), category=category, reason=reason
        )
        to = f" for {said.category}" if said.category else ""
        print(f"{found.id} {found.category}: {said.verdict}{to}, by {said.reviewer}")
        return
    record = read_record(folder / RECORD)
    for each in record.findings:
        said_of = ", ".join(
            f"{v.reviewer}: {v.verdict}" for v in record.verdicts if v.finding == each.id
        )
        kind = "hint" if each.hint else "finding"
        print(
            f"{each.id} {timecode(each.time_ms)} {each.category} {each.confidence:.2f} {kind} "
            f"{each.label!r} {said_of}".rstrip()
        )


def agreement(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER", help="With records in them or below them.")
    ],
    *,
    target: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Also print the least confidence of each signal from which on so many were right, "
            "for a policy file.",
        ),
    ] = None,
) -> None:
    """Say how far reviewers agree (Cohen's kappa), and how many findings of each kind are right."""
    from maskworks.studio.review.evidence import measure_agreement
    from maskworks.studio.review.thresholds import LEAST_JUDGED, fit_thresholds

    found = measure_agreement(folders)
    for (one, other), (kappa, count) in found.kappa.items():
        value = "undefined" if kappa is None else f"{kappa:.2f}"
        print(f"{one} and {other}: kappa {value} on {count} findings")
    for (category, signal), rate in found.precision.items():
        low, high = rate.interval
        print(
            f"{category} by {signal}: {rate.hits} of {rate.n} right, "
            f"{rate.share:.2f} [{low:.2f}, {high:.2f}]"
        )
    if target is None:
        return
    fitted, short = fit_thresholds(folders, target)
    print("[thresholds]")
    for each in fitted:
        low, high = each.right.interval
        print(
            f'"{each.signal}" = {each.confidence:g}  # {each.right.hits} of {each.right.n} right, '
            f"{each.right.share:.2f} [{low:.2f}, {high:.2f}], on the verdicts it was fitted to"
        )
    for signal, count in short.items():
        print(
            f"# {signal}: {count} judged, and no {LEAST_JUDGED} of them at and above a confidence "
            f"were right so often"
        )
