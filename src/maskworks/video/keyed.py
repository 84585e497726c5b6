"""Masks that a person drew on a few frames, carried through the rest.

From both neighbouring keys optical flow leads to a frame; the two answers are blended by their
distance, and where the network agrees with the keys it has a say near the subject. Flow is
chained and the key is fetched once, so that its outline does not blur on the way. No key reaches
across a cut or farther than `REACH` frames: there the network is alone.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from maskworks.batch.work import Status
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Float2D
from maskworks.video.flow import Flow, FrameView, carried, flow_between
from maskworks.video.reading import open_clip
from maskworks.video.steadying import MattedFrame, See, matted

REACH = 120
"""How many frames a key is carried, either way."""

_LIMITS = Limits()

TRUSTED_FROM, TRUSTED_AT = 0.5, 0.9
"""IoU with the keys at which the network gets a say, and at which it has all it may have."""

SAY = 0.6
"""What the network may have at most."""

_FADES_IN = 8
"""So many frames from a key the network has all of its say."""

_NEAR_PX = 12
_NUMBER = re.compile(r"(\d+)$")


@dataclass(frozen=True, eq=False)
class KeyMasks:
    """Masks by frame number, counted from 0; `digest` tells two sets apart.

    `masks` holds float32 (H, W) in [0, 1] of the upright frame's size or any other of its aspect.
    """

    masks: Mapping[int, Float2D]
    digest: str = ""

    def at(self, index: int, size: tuple[int, int]) -> Float2D | None:
        """Return the mask of a frame at `size`, None if it has none."""
        import cv2

        found = self.masks.get(index)
        if found is None:
            return None
        height, width = size
        small = cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA)
        return np.clip(np.asarray(small, np.float32), 0, 1)


def read_keys(folder: Path, limits: Limits) -> KeyMasks:
    """Read the masks of a folder: PNGs whose names end in the number of their frame.

    White (or an alpha) is subject, black is not; several objects in a palette are one subject.

    Raises
    ------
    UsageError
        If there is no such folder, or no mask in it, or two of one frame.
    ImageError
        If one cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"--keys {folder}: is no folder; name one with masks such as 00020.png")
    masks: dict[int, Float2D] = {}
    told = hashlib.sha256()
    for path in sorted(folder.glob("*.png")):
        number = _NUMBER.search(path.stem)
        if number is None:
            continue
        index = int(number.group(1))
        if index in masks:
            raise UsageError(f"--keys {folder}: two masks are of frame {index}; keep one")
        picture = read_picture(path, limits)
        if picture.matte is not None:
            masks[index] = picture.matte.alpha
        else:
            masks[index] = picture.image.pixels.max(axis=2).astype(np.float32) / 255
            if masks[index].max() < 1:  # numbers or colours of objects
                masks[index] = (masks[index] > 0).astype(np.float32)
        told.update(f"{index} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    if not masks:
        raise UsageError(
            f"--keys {folder}: holds no mask; draw one on a frame and call it by its number, "
            "counted from 0, such as 00020.png"
        )
    return KeyMasks(masks, told.hexdigest()[:16])


@dataclass(frozen=True)
class Disagreement:
    """How far what comes from the left and from the right differ on a frame, in [0, 1].

    Beside a key one of the two hardly counts: the share is weighed by the distance to the nearer
    key, 1 half-way between both.
    """

    frame: int
    share: float


@dataclass(eq=False)
class Propagated:
    """Mattes of all frames at the network's size, on disk; `disagreements` are in order."""

    disagreements: list[Disagreement] = field(default_factory=list)
    _places: list[tuple[int, int]] = field(default_factory=list)
    _shape: tuple[int, int] = (0, 0)
    _file: tempfile._TemporaryFileWrapper[bytes] = field(
        default_factory=lambda: tempfile.NamedTemporaryFile(prefix="maskworks-keys-")  # noqa: SIM115
    )

    def __len__(self) -> int:
        return len(self._places)

    def add(self, alpha: Float2D) -> None:
        """Keep the next frame's matte, in 8 bits."""
        data = zlib.compress(np.rint(alpha * 255).astype(np.uint8).tobytes(), 1)
        self._shape = (alpha.shape[0], alpha.shape[1])
        self._places.append((self._file.tell(), len(data)))
        self._file.write(data)

    def alpha(self, index: int) -> Float2D:
        """Return the matte of a frame."""
        place, length = self._places[index]
        here = self._file.tell()
        self._file.seek(place)
        data = zlib.decompress(self._file.read(length))
        self._file.seek(here)
        levels = np.frombuffer(data, np.uint8).reshape(self._shape)
        return levels.astype(np.float32) / np.float32(255)

    @property
    def next_asked(self) -> Disagreement | None:
        """The frame on which a person's mask would help most, None if no two sides differ."""
        known = [each for each in self.disagreements if each.share > 0]
        return max(known, key=lambda each: (each.share, -each.frame), default=None)


@dataclass(eq=False)
class _Step:
    """One frame between keys: what it looks like, what is known of it from the left."""

    index: int
    view: FrameView
    network: Float2D
    key: Float2D | None
    back: Flow | None = None
    origin: Float2D | None = None
    left: Float2D | None = None
    left_key: int | None = None
    right: Float2D | None = None
    right_key: int | None = None


def propagate(
    clip: Path,
    keys: KeyMasks,
    see: See,
    size: tuple[int, int],
    *,
    limits: Limits = _LIMITS,
    tell: Callable[[int], None] = lambda _: None,
) -> Propagated:
    """Carry key masks through a clip.

    Parameters
    ----------
    clip : path
    keys : KeyMasks
    see : asks the network
    size : (h, w) of what the network sees
    limits : Limits
    tell : called with the number of frames done

    Raises
    ------
    UsageError
        If a key lies behind the last frame.
    UnreadableError
        If the clip cannot be read.
    """
    done = Propagated()
    trust = _Trust()
    held: list[_Step] = []
    with open_clip(clip, limits) as opened:
        for seen in matted(opened.frames(), see, size):
            if seen.begins and held:
                _settle(held, done, trust)
                held = []
            step = _reached(seen, keys, size, held[-1] if held else None)
            held.append(step)
            if step.key is not None:
                trust.note(step)
                _from_the_right(held)
                _settle(held[:-1], done, trust)
                held = held[-1:]
            elif len(held) > REACH + 1:
                _settle(held[:1], done, trust)
                held = held[1:]
            tell(seen.frame.index + 1)
        _settle(held, done, trust)
    beyond = [index for index in keys.masks if index >= len(done)]
    if beyond:
        raise UsageError(
            f"there is a key for frame {min(beyond)}, and the clip has {len(done)} frames (counted "
            "from 0); take it away or call it by its right number"
        )
    return done


class _Trust:
    """How far the network agrees with the keys, by key."""

    def __init__(self) -> None:
        self._known: dict[int, float] = {}

    def note(self, step: _Step) -> None:
        if step.key is not None:
            self._known[step.index] = _iou(step.key, step.network)

    def between(self, step: _Step) -> float:
        """Return the weight of the network's say on a frame."""
        near = [key for key in (step.left_key, step.right_key) if key is not None]
        if not near:
            return 1.0
        agreed = min(self._known[key] for key in near)
        far = min(abs(step.index - key) for key in near)
        share = np.clip((agreed - TRUSTED_FROM) / (TRUSTED_AT - TRUSTED_FROM), 0, 1)
        return float(SAY * share * min(1.0, far / _FADES_IN))


def _reached(
    seen: MattedFrame, keys: KeyMasks, size: tuple[int, int], before: _Step | None
) -> _Step:
    """Return a frame with what flow brings from the key to its left."""
    view = FrameView.at(seen.frame.pixels, size)
    key = keys.at(seen.frame.index, size)
    step = _Step(seen.frame.index, view, seen.alpha, key)
    if key is not None:
        step.origin = step.left = step.right = key
        step.left_key = step.right_key = step.index
        return step
    if before is None or before.origin is None or before.left_key is None:
        return step
    if step.index - before.left_key <= REACH:
        flow = flow_between(view, before.view, fine=True)
        step.back = flow if before.back is None else _chained(flow, before.back)
        step.origin, step.left_key = before.origin, before.left_key
        step.left = np.asarray(carried(step.origin, step.back), np.float32)
    return step


def _chained(flow: Flow, onward: Flow) -> Flow:
    """Return flow to the frame that `onward` leads to from where `flow` leads."""
    return np.asarray(flow + carried(onward, flow), np.float32)


def _from_the_right(held: list[_Step]) -> None:
    """Bring the last frame's key back to those before it."""
    key = held[-1]
    if key.key is None:
        return
    way: Flow | None = None
    after = key
    for step in reversed(held[:-1]):
        if step.key is not None or key.index - step.index > REACH:
            return
        flow = flow_between(step.view, after.view, fine=True)
        way = flow if way is None else _chained(flow, way)
        step.right = np.asarray(carried(key.key, way), np.float32)
        step.right_key = key.index
        after = step


def _settle(steps: Iterable[_Step], done: Propagated, trust: _Trust) -> None:
    """Decide the matte of each frame and keep it."""
    for step in steps:
        alpha, apart = _decided(step, trust.between(step))
        done.add(alpha)
        done.disagreements.append(Disagreement(step.index, round(apart, 4)))


def _decided(step: _Step, say: float) -> tuple[Float2D, float]:
    if step.key is not None:
        return step.key, 0.0
    if step.left is None and step.right is None:
        return step.network, 0.0
    if step.left is None or step.right is None:
        brought = step.network if step.left is None else step.left
        brought = brought if step.right is None else step.right
        apart = 0.0
    else:
        left, right = step.index - (step.left_key or 0), (step.right_key or 0) - step.index
        share = np.float32(left / (left + right))
        brought = (1 - share) * step.left + share * step.right
        apart = (1 - _iou(step.left, step.right)) * 2 * float(min(share, 1 - share))
    near = _near(brought)
    blended = brought + np.float32(say) * (step.network * near - brought)
    return np.clip(blended, 0, 1).astype(np.float32), apart


def _near(alpha: Float2D) -> Float2D:
    import cv2

    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1))
    grown = cv2.dilate((alpha >= 0.3).astype(np.uint8), reach)
    return np.asarray(grown, np.float32)


def _iou(one: Float2D, other: Float2D) -> float:
    a, b = one >= 0.5, other >= 0.5
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0


def replayed(frames: Iterator[MattedFrame], found: Propagated) -> Iterator[MattedFrame]:
    """Yield matted frames with the mattes that keys brought."""
    for frame in frames:
        alpha = found.alpha(frame.frame.index)
        status: Status = "ok" if (alpha >= 0.5).any() else "no-subject"
        yield replace(frame, alpha=alpha, status=status)
