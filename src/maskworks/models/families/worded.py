"""CLIPSeg: any words, and where in a picture is what they say; transformers runs it.

Lüddecke and Ecker, Image Segmentation Using Text and Image Prompts, CVPR 2022. It answers each
word by itself: a pixel is the word that fits best, and background where none fits better than
not, which for one word is its sigmoid above one half.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import ModelError, UsageError
from maskworks.models.checksum import digest
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.hub_input import prepare, read_rule
from maskworks.models.families.transformers_loading import load_module
from maskworks.models.families.transformers_queries import failed
from maskworks.models.finding import found_taxonomy
from maskworks.models.labelling import Answer, Segmenter, Task
from maskworks.models.runtimes.torch import to_numpy

if TYPE_CHECKING:
    from maskworks.core.values import Float2D, Image
    from maskworks.models.opening import Opening

CLIPSEG = "CLIPSegForImageSegmentation"

_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"))
"""Either of these is a tokenizer."""

_UNSURE = 0.0
"""The logit of one half."""


def open_worded(folder: Path, opening: Opening) -> Segmenter:
    """Open a folder with CLIPSeg, and tell it the words of `opening.find`.

    Raises
    ------
    UsageError
        If it is told no words.
    ModelError
        If its files, those of its tokenizer among them, are missing or do not fit.
    """
    if not opening.find:
        raise UsageError(
            f'{folder.name} finds what it is told in words; give --find, such as --find "red car"'
        )
    module = load_module(folder, CLIPSEG, threads=opening.threads)
    rule = read_rule(folder)
    told = _told(module, folder, opening.find)
    turn = threading.Lock()  # Torch takes every core for one picture

    def answer(image: Image, _task: Task) -> Answer:
        ready = prepare(image.pixels, rule)
        with turn:
            logits = [ready.crop(_logits(module, ready.batch, each, folder.name)) for each in told]
        rest = np.full_like(logits[0], _UNSURE)
        return ClassScores(np.concatenate([rest, *logits]), image.size, logits=True)

    weights = " ".join(digest(path, "sha256") for path in sorted(folder.glob("*.safetensors")))
    return Segmenter(
        name=folder.name,
        taxonomy=found_taxonomy(opening.find),
        own="semantic",
        answer=answer,
        digest=f"{weights} {rule} {opening.find}",
        tileable=True,
        worded=True,
    )


def _told(module: Any, folder: Path, words: tuple[str, ...]) -> list[Any]:  # noqa: ANN401
    """Return what each word is to the decoder: tensors (1, D)."""
    import torch
    from transformers import AutoTokenizer

    held = [all((folder / name).is_file() for name in names) for names in _TOKENIZERS]
    if not any(held):  # the library would make one that knows no word
        raise ModelError(
            f"{folder}: has no tokenizer, and words mean nothing without; copy tokenizer.json, or "
            "vocab.json and merges.txt, there too"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        ready = [tokenizer(word, return_tensors="pt", truncation=True) for word in words]
    except Exception as error:  # the library raises anything from KeyError to OSError
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"{folder}: its tokenizer cannot be opened ({reason}); copy the folder again"
        ) from error
    try:
        with torch.inference_mode():
            return [
                module.get_conditional_embeddings(
                    batch_size=1,
                    input_ids=each["input_ids"],
                    attention_mask=each["attention_mask"],
                )
                for each in ready
            ]
    except (RuntimeError, ValueError, IndexError) as error:
        raise failed(folder.name, error) from error


def _logits(module: Any, batch: Any, told: Any, name: str) -> Float2D:  # noqa: ANN401
    """Return the logits of one word, float32 (1, h, w)."""
    import torch

    try:
        with torch.inference_mode():
            found = module(pixel_values=torch.from_numpy(batch), conditional_embeddings=told)
    except (RuntimeError, ValueError) as error:
        raise failed(name, error) from error
    logits = to_numpy(found.logits)
    return logits.reshape(1, *logits.shape[-2:])
