"""Every error Maskworks raises, in one tree.

MaskworksError
├── ImageError                  bad-image          a value or picture that cannot be used
│   ├── UnreadableError         unreadable         not a picture, truncated, corrupt, empty
│   ├── TooLargeError           too-large          more pixels than the limit
│   └── TooSlowError            too-slow           more seconds than the limit
├── OutputError                 output             cannot write: collision, disk full, no right
├── ModelError                  model
│   ├── UnknownModelError       unknown-model
│   ├── LicenceError            licence
│   ├── ChecksumError           checksum
│   ├── DownloadError           download
│   ├── ProviderError           provider
│   └── NetworkError            network            wrong output shape, NaN
├── ClusterError                cluster            a Ray cluster that cannot be worked with
├── UsageError                  usage
├── RecipeError                 recipe
└── EvaluationError             evaluation         truth and predictions that do not fit

A message says what was wrong, the value found, the rule, and the way out. The fields
are the ``args``, so an error survives pickling to another process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class MaskworksError(Exception):
    """Root of the tree; `code` is the word machines read in a manifest row."""

    code: ClassVar[str] = "maskworks"


class ImageError(MaskworksError):
    """A value or a picture that cannot be used."""

    code: ClassVar[str] = "bad-image"


class UnreadableError(ImageError):
    """A file that is no picture, or only a part of one."""

    code: ClassVar[str] = "unreadable"

    def __init__(self, source: str, reason: str, remedy: str) -> None:
        super().__init__(source, reason, remedy)
        self.source, self.reason, self.remedy = source, reason, remedy

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}; {self.remedy}"


class TooLargeError(ImageError):
    """A picture with more pixels than the limit; refused before it is decoded."""

    code: ClassVar[str] = "too-large"

    def __init__(self, source: str, pixels: int, limit: int) -> None:
        super().__init__(source, pixels, limit)
        self.source, self.pixels, self.limit = source, pixels, limit

    def __str__(self) -> str:
        return (
            f"{self.source}: has {self.pixels:,} pixels, the limit is {self.limit:,}; "
            f"make it smaller, or allow it with `--max-pixels {self.pixels}`"
        )


class TooSlowError(ImageError):
    """A picture that takes longer than it may."""

    code: ClassVar[str] = "too-slow"

    def __init__(self, source: str, seconds: float) -> None:
        super().__init__(source, seconds)
        self.source, self.seconds = source, seconds

    def __str__(self) -> str:
        return (
            f"{self.source}: takes longer than {self.seconds:g} s; make it smaller or export it "
            "again, or allow more with `--picture-seconds`"
        )


class OutputError(MaskworksError):
    """A file that cannot be written."""

    code: ClassVar[str] = "output"

    def __init__(self, path: Path | str, reason: str, remedy: str) -> None:
        super().__init__(path, reason, remedy)
        self.path, self.reason, self.remedy = path, reason, remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; {self.remedy}"


class ModelError(MaskworksError):
    """A model that cannot be found, loaded or run."""

    code: ClassVar[str] = "model"


class UnknownModelError(ModelError):
    """A model name that no catalogue row has."""

    code: ClassVar[str] = "unknown-model"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, tuple(known)

    def __str__(self) -> str:
        return (
            f"no model is named {self.name!r}; choose one of {', '.join(self.known)}, "
            "or add your own with `maskworks models import`"
        )


class LicenceError(ModelError):
    """Weights whose licence forbids what is asked of them."""

    code: ClassVar[str] = "licence"

    def __init__(self, name: str, licence: str) -> None:
        super().__init__(name, licence)
        self.name, self.licence = name, licence

    def __str__(self) -> str:
        return (
            f"the weights of {self.name!r} are licensed {self.licence}, which does not allow "
            "commercial use; choose another model (`maskworks models list --commercial-only`)"
        )


class ChecksumError(ModelError):
    """A file that is not the file the catalogue names."""

    code: ClassVar[str] = "checksum"

    def __init__(self, path: Path, expected: str, actual: str) -> None:
        super().__init__(path, expected, actual)
        self.path, self.expected, self.actual = path, expected, actual

    def __str__(self) -> str:
        return (
            f"{self.path}: the checksum is {self.actual[:12]}, expected {self.expected[:12]}; "
            "fetch it again with `maskworks models pull --force`"
        )


class DownloadError(ModelError):
    """Weights that did not arrive."""

    code: ClassVar[str] = "download"

    def __init__(self, url: str, reason: str, remedy: str) -> None:
        super().__init__(url, reason, remedy)
        self.url, self.reason, self.remedy = url, reason, remedy

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}; {self.remedy}"


class ProviderError(ModelError):
    """An execution provider that this machine does not have."""

    code: ClassVar[str] = "provider"

    def __init__(self, wanted: str, available: Sequence[str]) -> None:
        super().__init__(wanted, available)
        self.wanted, self.available = wanted, tuple(available)

    def __str__(self) -> str:
        return (
            f"the provider {self.wanted!r} is not available here, only "
            f"{', '.join(self.available)}; use one of these, or install the runtime that has it"
        )


class NetworkError(ModelError):
    """A network that answered what its specification excludes."""

    code: ClassVar[str] = "network"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return (
            f"model {self.name!r}: {self.reason}; check the weights with `maskworks models verify`"
        )


class UsageError(MaskworksError):
    """A wrong argument or option; the message says which and what is allowed."""

    code: ClassVar[str] = "usage"


class ClusterError(MaskworksError):
    """A Ray cluster that is not there, is of other versions, or cannot go on."""

    code: ClassVar[str] = "cluster"


class RecipeError(MaskworksError):
    """A training recipe that cannot be used."""

    code: ClassVar[str] = "recipe"

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(path, reason, remedy)
        self.path, self.reason, self.remedy = path, reason, remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; {self.remedy}"


class EvaluationError(MaskworksError):
    """Truth and predictions of which no exact figure can be made; every reason is named."""

    code: ClassVar[str] = "evaluation"

    def __init__(self, problems: Sequence[str], remedy: str) -> None:
        super().__init__(problems, remedy)
        self.problems, self.remedy = tuple(problems), remedy

    def __str__(self) -> str:
        shown = "\n  ".join(self.problems[:20])
        more = len(self.problems) - 20
        rest = f"\n  and {more} more" if more > 0 else ""
        return f"nothing was measured; {self.remedy}\n  {shown}{rest}"
