"""Load a model of transformers from a folder, without the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskworks.core.errors import ModelError


def load_module(folder: Path, architecture: str, *, threads: int = 0) -> Any:  # noqa: ANN401
    """Load a model of transformers for running.

    Raises
    ------
    ModelError
        If its weights do not fit, or something would have to be fetched.
    """
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if threads:
        torch.set_num_threads(threads)
    try:
        module, told = getattr(transformers, architecture).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # the library raises anything from KeyError to OSError
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{folder}: transformers cannot open it ({reason}); copy the folder again"
        ) from error
    if missing := sorted(told["missing_keys"]):
        raise ModelError(
            f"{folder}: its weights lack {missing[0]} ({len(missing)} missing); they belong to "
            "another configuration, copy the folder again"
        )
    return module.eval()
