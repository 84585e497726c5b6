"""The work an assistant asks for: pictures cut out and labelled, folders measured, clips assessed.

Each function is what the command of its name does, with paths below a root and an answer of
plain values.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from maskworks.apps.mcp.root import Root
from maskworks.batch.manifest import to_json
from maskworks.core.errors import UsageError
from maskworks.core.reading import read_picture
from maskworks.cutouts.request import CutoutRequest, open_cutting

if TYPE_CHECKING:
    from maskworks.batch.work import ManifestRow

PREVIEW_PX = 768
"""The longest side of a picture that is shown to an assistant."""

MOST_ROWS = 50
"""Rows in one answer; all of them are in manifest.jsonl."""

Told = Callable[[int, int], None]
"""Called with how many pictures are done, and of how many."""

_KEPT = ("status", "confidence", "score", "reasons", "notes", "error")


@dataclass(frozen=True, kw_only=True)
class CutWishes:
    """How pictures are cut out; as the options of `maskworks cutout` of the same names."""

    background: str | None = None
    form: Literal["png", "webp", "tiff", "jpg"] | None = None
    mask_only: bool = False
    min_confidence: float = 0.0
    resume: bool = False


def cut_pictures(
    root: Root, inputs: Sequence[str], output: str, options: CutWishes, progress: Told
) -> dict[str, Any]:
    """Cut the subject out of pictures into a folder or a file; nothing is overwritten."""
    request = CutoutRequest(
        inputs=root.all_found(inputs),
        output=str(root.inside(output)),
        form=options.form,
        background=root.background(options.background),
        mask_only=options.mask_only,
        min_confidence=options.min_confidence,
        existing="resume" if options.resume else "refuse",
    )
    run = open_cutting(request)
    return _summary(root, _told(run.rows(threading.Event()), len(run.plan.todo), progress))


def label_pictures(
    root: Root, inputs: Sequence[str], output: str, model: str, find: str | None, progress: Told
) -> dict[str, Any]:
    """Label pictures with a model that is known by name; nothing is overwritten."""
    from maskworks.core.taxonomy_words import words_in
    from maskworks.labels.request import LabelRequest, open_labelling
    from maskworks.models.opening import Opening

    if "/" in model or "\\" in model:
        raise UsageError(
            f"model {model!r}: an assistant names models by the names that `maskworks models list` "
            "shows, or a method such as kmeans; files are chosen on the command line"
        )
    places = root.all_found(inputs)
    opening = Opening(find=() if find is None else words_in(find))
    target = str(root.inside(output))
    request = LabelRequest(inputs=places, output=target, model=model, opening=opening)
    run = open_labelling(request)
    answer = _summary(root, _told(run.rows(), len(run.plan.todo), progress))
    return answer | {"remarks": list(run.remarks)}


def measure(
    root: Root,
    task: Literal["mattes", "saliency", "semantic", "instances", "panoptic"],
    truth: str,
    predictions: str,
    taxonomy: str | None,
) -> dict[str, Any]:
    """Measure predictions against the truth; what counts pictures one by one is left out."""
    from maskworks.evaluate.instances import evaluate_objects
    from maskworks.evaluate.measuring import evaluate_labels, evaluate_masks, evaluate_mattes
    from maskworks.evaluate.panoptic import evaluate_panoptic

    true, ours = root.found(truth), root.found(predictions)
    if (taxonomy is not None) != (task == "semantic"):
        raise UsageError(
            f"task {task!r}: a taxonomy, such as cityscapes-19, is given with semantic and with no "
            "other task"
        )
    if task == "mattes":
        record = evaluate_mattes(true, ours).record()
    elif task == "saliency":
        found = evaluate_masks(true, ours)
        record = {"task": "saliency", **found.figures(), "pictures": len(found.pictures)}
    elif task == "semantic":
        record = evaluate_labels(true, ours, taxonomy=taxonomy).record()
    elif task == "instances":
        record = evaluate_objects(true, ours).record()
    else:
        record = evaluate_panoptic(true, ours).record()
    kept = {key: value for key, value in record.items() if not isinstance(value, list)}
    answer: dict[str, Any] = json.loads(json.dumps(kept))
    return answer | {"truth": root.shown(true), "predictions": root.shown(ours)}


def assess_media(root: Root, inputs: Sequence[str], output: str, *, resume: bool) -> dict[str, Any]:
    """Collect evidence of sensitive topics in clips and pictures; a person decides."""
    from maskworks.scene.record import STATEMENT
    from maskworks.scene.running import SuitabilityRequest, run_suitability, to_manifest

    folder = root.inside(output)
    request = SuitabilityRequest(inputs=root.all_found(inputs), output=folder, resume=resume)
    rows = [to_manifest(row) for row in run_suitability(request)]
    for row in rows:
        row["output"] = root.shown(row["output"])
    return {"statement": STATEMENT, "media": rows[:MOST_ROWS], "assessed": len(rows)}


def rank_sites(root: Root, table: str, output: str, *, ocr: bool, resume: bool) -> dict[str, Any]:
    """Rank screens by what surrounds them; photos that the table names lie below the root."""
    from maskworks.scene.sites.measuring import SitesOptions
    from maskworks.scene.sites.request import SitesRequest, run_sites
    from maskworks.scene.sites.site_writing import RANKING_JSON
    from maskworks.scene.sites.table import read_sites

    file, folder = root.found(table), root.inside(output)
    for row in read_sites(file):
        if row.photos.exists():  # what is not there fails its own site
            root.found(row.photos)
        else:
            root.inside(row.photos)
    options = SitesOptions(ocr=ocr)
    request = SitesRequest(table=file, output=folder, options=options, resume=resume)
    results = list(run_sites(request))
    ranked = json.loads((folder / RANKING_JSON).read_text("utf-8"))["sites"]
    failed = {each.id: str(each.error) for each in results if each.error is not None}
    return {
        "for": "a person to decide; people were counted, and nobody's traits guessed",
        "sites": ranked[:MOST_ROWS],
        "ranked": len(ranked),
        "failed": failed,
        "page": root.shown(folder / "index.html"),
    }


def preview(root: Root, picture: str) -> bytes:
    """Return a picture as PNG, at most `PREVIEW_PX` long, what is clear on a grey ground."""
    from PIL import Image as PillowImage

    read = read_picture(root.found(picture))
    shown = PillowImage.fromarray(read.image.pixels)
    if read.matte is not None:
        alpha = PillowImage.fromarray((read.matte.alpha * 255).round().astype("uint8"))
        shown = PillowImage.composite(shown, PillowImage.new("RGB", shown.size, "#9a9a9a"), alpha)
    shown.thumbnail((PREVIEW_PX, PREVIEW_PX))
    written = BytesIO()
    shown.save(written, "PNG")
    return written.getvalue()


def known_models() -> dict[str, Any]:
    """Return the models of the catalogue: name, task, licence, whether commerce may use it."""
    from maskworks.models import load_catalogue

    return {
        "models": [
            {
                "name": spec.name,
                "title": spec.title,
                "task": spec.task,
                "licence": spec.licence,
                "commercial": spec.commercial,
                "in_the_package": spec.embedded,
            }
            for spec in load_catalogue().models
        ]
    }


def _told(rows: Iterable[ManifestRow], total: int, progress: Told) -> Iterable[ManifestRow]:
    for done, row in enumerate(rows, start=1):
        progress(done, total)
        yield row


def _summary(root: Root, rows: Iterable[ManifestRow]) -> dict[str, Any]:
    """Return how many rows have which status, and the first `MOST_ROWS`, the bad ones first."""
    told = [json.loads(to_json(row)) for row in rows]
    by_status: dict[str, int] = {}
    for row in told:
        by_status[row["status"]] = by_status.get(row["status"], 0) + 1
    order = {"failed": 0, "review": 1, "no-subject": 2}
    told.sort(key=lambda row: order.get(row["status"], len(order)))
    return {
        "done": len(told),
        "by_status": by_status,
        "pictures": [
            {"source": root.shown(row["source"]), "output": root.shown(row["output"])}
            | {key: row[key] for key in _KEPT if row.get(key) not in (None, [], "")}
            for row in told[:MOST_ROWS]
        ],
    }
