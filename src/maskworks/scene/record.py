"""The evidence record: what was looked at, what was found, and what a person said of it.

Pydantic models, so that the schema in docs/suitability.schema.json is theirs. Times are
milliseconds from the start of the clip; regions are boxes in pixels of the upright picture.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from maskworks.scene.topics import PARENT, RiskId, TopicName

SCHEMA_NAME: Literal["maskworks-suitability-1"] = "maskworks-suitability-1"

SignalKind = Literal["picture", "text", "sound"]
CoverageWord = Literal["assessed", "text and sound only", "not assessed"]
Extent = Literal["adjacent", "sustained"]
VerdictWord = Literal["confirm", "dismiss", "wrong category"]
VERDICT_WORDS: tuple[VerdictWord, ...] = get_args(VerdictWord)

Confidence = Annotated[float, Field(ge=0, le=1)]
Likelihood = Annotated[int, Field(ge=1, le=5)]
Milliseconds = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Region(_Part):
    """Where in the picture: a half-open box in pixels, and COCO's compressed runs if there are."""

    top: Annotated[int, Field(ge=0)]
    left: Annotated[int, Field(ge=0)]
    bottom: Annotated[int, Field(ge=0)]
    right: Annotated[int, Field(ge=0)]
    rle: str | None = None


class Finding(_Part):
    """One piece of evidence: a category, when and where, how sure, and who says so.

    `hint` findings (an object seen, a negated mention, a QR code) never count by themselves.
    `frame_index` is None of sound and of text that is only spoken.
    """

    id: str
    category: TopicName
    iab_id: str | None
    parent: str | None = PARENT
    time_ms: Milliseconds
    duration_ms: Milliseconds
    frame_index: Annotated[int, Field(ge=0)] | None = None
    pts: int | None = None
    confidence: Confidence
    calibrated: bool = False
    likelihood: Likelihood
    hint: bool = False
    kind: SignalKind
    signal: str
    source: str
    region: Region | None = None
    label: str
    quote: str | None = None
    context: tuple[str, ...] = ()
    crop: str | None = None


class SignalRun(_Part):
    """One signal of the run: what it looked at, with which model or list; why not, if not.

    A `partial` signal looks for something so narrow that no category is assessed because of it.
    """

    name: str
    kind: SignalKind
    source: str
    assessed: bool
    categories: tuple[TopicName, ...]
    looked_at: Annotated[int, Field(ge=0)]
    unit: Literal["frames", "lines", "seconds"]
    partial: bool = False
    why_not: str | None = None


class SceneDescription(_Part):
    """What describes the scene and belongs to no category: speech, music, a person, a vehicle.

    `amount` is the share of the frame for what is seen, 1 for what is heard.
    """

    name: str
    kind: SignalKind
    source: str
    time_ms: Milliseconds
    duration_ms: Milliseconds
    frame_index: int | None
    amount: Confidence


class EvidenceSegment(_Part):
    """Findings of one category close together in time."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    duration_ms: Milliseconds
    peak_time_ms: Milliseconds
    peak_frame: int | None
    peak_confidence: Confidence
    findings: tuple[str, ...]


class TopicResult(_Part):
    """What came out for one category.

    `likelihood` is None where nobody looked; 1 says that those who looked found nothing, which is
    no more than that. `probability` stands only where the peak's confidence is calibrated.
    """

    category: TopicName
    iab_id: str | None
    parent: str | None
    title: str
    coverage: CoverageWord
    signals: tuple[str, ...]
    likelihood: Likelihood | None
    probability: Confidence | None
    extent: Extent | None
    share_of_time: Confidence
    longest_run_ms: Milliseconds
    peak_time_ms: Milliseconds | None
    peak_frame: int | None
    segments: tuple[EvidenceSegment, ...]
    hints: Annotated[int, Field(ge=0)]
    proposed_risk: RiskId | None
    rule: str | None


class EvidenceVerdict(_Part):
    """What a person said of one finding; the finding itself stays as it was."""

    finding: str
    reviewer: str
    verdict: VerdictWord
    category: TopicName | None = None
    reason: str = ""
    at: str


class ContentContext(_Part):
    """What the content is, which changes the risk: stated by the user, never guessed."""

    source: str | None = None
    source_id: str | None = None
    purpose: str | None = None
    purpose_id: str | None = None


class PolicyUsed(_Part):
    """The policy file that proposed the risks."""

    name: str
    date: str
    sha256: str


class SuitabilityRecord(_Part):
    """Evidence for review of one clip or picture."""

    schema_name: Literal["maskworks-suitability-1"] = SCHEMA_NAME
    statement: str
    source: str
    media: Literal["clip", "picture"]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    duration_ms: Milliseconds
    frames: Annotated[int, Field(ge=0)]
    frames_looked_at: tuple[int, ...]
    shots_ms: tuple[int, ...]
    fingerprint: str
    version: str
    options: dict[str, str]
    context: ContentContext
    policy: PolicyUsed
    signals: tuple[SignalRun, ...]
    categories: tuple[TopicResult, ...]
    findings: tuple[Finding, ...]
    observations: tuple[SceneDescription, ...] = ()
    verdicts: tuple[EvidenceVerdict, ...] = ()
    notes: tuple[str, ...] = ()

    def veiled_frames(self) -> set[int | None]:
        """Return the frames that nobody sees without asking: those with adult evidence."""
        adult = (f for f in self.findings if f.category == "adult" and f.kind == "picture")
        return {each.frame_index for each in adult}


STATEMENT = (
    "Evidence for review. It says what the signals named here saw and heard, and how sure they "
    "are; a category without findings is no statement about the content. A person decides."
)
