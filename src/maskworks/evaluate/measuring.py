"""Measure predictions against the truth in one call: folders, or arrays in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.given_masks import alpha_of
from maskworks.core.public import public
from maskworks.core.taxonomy import Taxonomy, load_taxonomy
from maskworks.evaluate.mattes import Failure, Report, Score, score_pairs
from maskworks.evaluate.pairing import pair_files
from maskworks.evaluate.saliency import SaliencyReport, evaluate_saliency
from maskworks.evaluate.semantic import SemanticReport, evaluate_semantic, numbered_taxonomy

Encode = Callable[[Any], bytes]

Pictures = str | Path | Sequence[Any]
"""A folder, or arrays (H, W) of one picture each, in order."""


@public
def evaluate_labels(
    truth: Pictures,
    predictions: Pictures,
    *,
    classes: int | None = None,
    taxonomy: Taxonomy | str | None = None,
    ignore: int | None = None,
    allow_missing: bool = False,
) -> SemanticReport:
    """Measure label maps: mIoU, pixel accuracy, boundary IoU, for each class and in the mean.

    Parameters
    ----------
    truth, predictions : folders, or integer arrays (H, W) of class ids from 0 to 65535
    classes : int, optional
        How many, with ids from 0.
    taxonomy : Taxonomy or its name, optional
        Instead of `classes`.
    ignore : int, optional
        The id of true pixels that are left out, beside `classes`; by default 255.
    allow_missing : bool
        Count a missing prediction as a picture without any class.

    Raises
    ------
    UsageError
        Unless one of `classes` and `taxonomy` is given, or if pictures do not pair up.
    EvaluationError
        If a prediction has another size or an unknown id.

    Examples
    --------
    >>> one = np.array([[0, 0, 1, 1]], np.uint8)
    >>> report = evaluate_labels([one], [np.array([[0, 0, 0, 1]], np.uint8)], classes=2)
    >>> round(report.record()["mIoU"], 4)
    0.5833
    """
    if (classes is None) == (taxonomy is None):
        raise UsageError('say what the ids mean: either classes=19 or taxonomy="cityscapes-19"')
    if classes is not None:
        named = numbered_taxonomy(classes, 255 if ignore is None and classes <= 255 else ignore)
    else:
        named = load_taxonomy(taxonomy) if isinstance(taxonomy, str) else _given(taxonomy)
    with _folders(truth, predictions, _ids_png) as (true_folder, our_folder):
        return evaluate_semantic(true_folder, our_folder, named, allow_missing=allow_missing)


@public
def evaluate_masks(
    truth: Pictures,
    predictions: Pictures,
    *,
    binary: bool | None = None,
    allow_missing: bool = False,
) -> SaliencyReport:
    """Measure masks or saliency maps of one subject: MAE, F, S and E-measures.

    Parameters
    ----------
    truth, predictions : folders, or arrays (H, W): bool, or float in [0, 1]
        Floats are measured in steps of 1/255, as files are.
    binary : bool, optional
        Whether files are masks of 0 and 1; by default asked of their values.
    allow_missing : bool
        Count a missing prediction as one without a subject.

    Raises
    ------
    UsageError
        If pictures do not pair up.
    EvaluationError
        If one cannot be measured.

    Examples
    --------
    >>> one = np.zeros((8, 8), bool)
    >>> one[2:6, 2:6] = True
    >>> evaluate_masks([one], [one]).figures()["MAE"]
    0.0
    """
    with _folders(truth, predictions, _alpha_png) as (true_folder, our_folder):
        return evaluate_saliency(
            true_folder, our_folder, binary=_meaning(truth, binary), allow_missing=allow_missing
        )


@public
def evaluate_mattes(
    truth: Pictures,
    predictions: Pictures,
    *,
    trimaps: str | Path | None = None,
    binary: bool | None = None,
    allow_missing: bool = False,
) -> Report:
    """Measure mattes: SAD, MSE, gradient and connectivity errors, IoU, boundary IoU and F.

    Parameters
    ----------
    truth, predictions : folders, or float arrays (H, W) in [0, 1]
        Floats are measured in steps of 1/255, as files are.
    trimaps : folder, optional
        Limits the matting errors to the unknown band.
    binary : bool, optional
        As for `evaluate_masks`.
    allow_missing : bool
        Count a missing prediction as empty.

    Returns
    -------
    Report
        A picture that cannot be measured is among its `failures`.

    Raises
    ------
    UsageError
        If no two pictures pair up.

    Examples
    --------
    >>> half = np.full((4, 4), 0.5, np.float32)
    >>> half[0, 0] = 1
    >>> evaluate_mattes([half], [half]).means()["sad"]
    0.0
    """
    masks = None if trimaps is None else Path(trimaps)
    with _folders(truth, predictions, _alpha_png) as (true_folder, our_folder):
        pairing = pair_files(true_folder, our_folder, masks, allow_missing=allow_missing)
        meaning = _meaning(truth, binary)
        rows = list(score_pairs(pairing.pairs, binary=meaning))
    failures = [row for row in rows if isinstance(row, Failure)]
    failures += [Failure(name, error.code, str(error)) for name, error in pairing.problems]
    return Report(
        truth=true_folder,
        predictions=our_folder,
        trimaps=masks,
        scores=tuple(row for row in rows if isinstance(row, Score)),
        failures=tuple(failures),
        missing=tuple(pair.name for pair in pairing.pairs if pair.prediction is None),
        binary=meaning,
    )


def _meaning(truth: Pictures, binary: bool | None) -> bool | None:  # noqa: FBT001 - as `read_matte`
    """Return whether files are masks of 0 and 1; the values of arrays are certain."""
    return binary if isinstance(truth, str | Path) or binary is not None else False


@contextmanager
def _folders(truth: Pictures, predictions: Pictures, encode: Encode) -> Iterator[tuple[Path, Path]]:
    """Yield two folders; arrays are written into one of their own, so that one protocol holds."""
    with TemporaryDirectory(prefix="maskworks-") as made:
        found = []
        for name, given in (("truth", truth), ("predictions", predictions)):
            if isinstance(given, str | Path):
                found.append(Path(given))
                continue
            folder = Path(made) / name
            folder.mkdir()
            for at, value in enumerate(given):
                (folder / f"{at:06}.png").write_bytes(encode(value))
            found.append(folder)
        yield found[0], found[1]


def _given(taxonomy: Taxonomy | None) -> Taxonomy:
    if not isinstance(taxonomy, Taxonomy):
        raise UsageError(f"a taxonomy is a Taxonomy or its name, got {taxonomy!r}")
    return taxonomy


def _ids_png(value: Any) -> bytes:  # noqa: ANN401 - what a caller has
    ids = np.asarray(getattr(value, "ids", value))
    if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer):
        raise UsageError(f"a label map is an integer array (H, W), got {ids.dtype} {ids.shape}")
    if ids.size and not 0 <= int(ids.min()) <= int(ids.max()) <= 65_535:
        raise UsageError(f"class ids are 0 to 65535, got {int(ids.min())} to {int(ids.max())}")
    return _png(ids.astype(np.uint8 if ids.max(initial=0) < 256 else np.uint16))


def _alpha_png(value: Any) -> bytes:  # noqa: ANN401 - what a caller has
    return _png(np.rint(alpha_of(value).astype(np.float64) * 255).astype(np.uint8))


def _png(values: NDArray[np.unsignedinteger[Any]]) -> bytes:
    from io import BytesIO

    from PIL import Image as PillowImage

    out = BytesIO()
    PillowImage.fromarray(values).save(out, format="PNG", compress_level=1)
    return out.getvalue()
