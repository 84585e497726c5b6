"""How a clip or picture is assessed, and what of that changes its record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from maskworks.core.reading import Limits
from maskworks.core.version import __version__
from maskworks.scene.policy import SuitabilityPolicy
from maskworks.scene.signals.protocol import SignalChoices


@dataclass(frozen=True, kw_only=True)
class SuitabilityOptions:
    """How a clip is assessed.

    Parameters
    ----------
    every_s : float, > 0
        A frame is looked at every so many seconds, and the first of each shot.
    policy : Path, optional
        TOML; by default the one that comes with the package.
    subtitles : Path, optional
        By default those in the clip and the file beside it.
    source, purpose : str, optional
        What the content is: a name of `SOURCES` and `PURPOSES`, or its id.
    choices : SignalChoices
    blur_faces : bool
        Make faces in the frames that are kept unrecognisable; extra `[faces]`.
    limits : Limits
        Of a frame or picture, before it is decoded.
    """

    every_s: float = 2.0
    policy: Path | None = None
    subtitles: Path | None = None
    source: str | None = None
    purpose: str | None = None
    choices: SignalChoices = field(default_factory=SignalChoices)
    blur_faces: bool = False
    limits: Limits = field(default_factory=Limits)

    def digest(self, policy: SuitabilityPolicy) -> str:
        """Return 16 hexadecimal digits that change with whatever changes the record."""
        said = {**self.to_strings(), "policy": policy.sha256, "version": __version__}
        for name in ("terms", "logos", "classifier", "subtitles"):
            said[f"{name} files"] = times_of(said.get(name))
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def to_strings(self) -> dict[str, str]:
        """Return the options as the record tells them."""
        chosen = self.choices
        told = {
            "every_s": f"{self.every_s:g}",
            "subtitles": self.subtitles,
            "terms": chosen.terms,
            "logos": chosen.logos,
            "classifier": chosen.classifier,
            "language": chosen.language,
            "scene": chosen.scene,
            "ocr": "on" if chosen.ocr else "off",
            "blur_faces": "on" if self.blur_faces else None,
            "source": self.source,
            "purpose": self.purpose,
        }
        return {name: str(value) for name, value in told.items() if value is not None}


def times_of(given: str | None) -> str:
    """Return when the files that an option names were changed, "" without one."""
    if given is None:
        return ""
    path = Path(given)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return " ".join(f"{p.name}:{p.stat().st_mtime_ns}" for p in files if p.is_file())
