"""What the service answers in JSON: a type for each schema.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations

from typing import TypedDict


class AccountDataAttributesCreditsAnswer(TypedDict):
    """Account data attributes credits, as the service answers."""

    total: float
    subscription: float
    payg: int
    enterprise: int


class AccountDataAttributesApiAnswer(TypedDict):
    """Account data attributes api, as the service answers."""

    free_calls: int
    sizes: str


class AccountDataAttributesAnswer(TypedDict):
    """Account data attributes, as the service answers."""

    credits: AccountDataAttributesCreditsAnswer
    api: AccountDataAttributesApiAnswer


class AccountDataAnswer(TypedDict):
    """Account data, as the service answers."""

    attributes: AccountDataAttributesAnswer


class AccountAnswer(TypedDict):
    """Account, as the service answers."""

    data: AccountDataAnswer


class CocoDocumentAnswer(TypedDict):
    """Coco document, as the service answers."""

    images: list[dict[str, object]]
    annotations: list[dict[str, object]]
    categories: list[dict[str, object]]


class HealthAnswer(TypedDict):
    """Health, as the service answers."""

    status: str


class ImprovedAnswer(TypedDict):
    """Improved, as the service answers."""

    id: str


class ItemsItemReasonAnswer(TypedDict):
    """Items item reason, as the service answers."""

    name: str
    text: str


class ItemsItemAnswer(TypedDict):
    """Items item, as the service answers."""

    item: int
    source: str
    sku: str | None
    state: str
    route: str | None
    score: float | None
    decision: str | None
    error: str | None
    reasons: list[ItemsItemReasonAnswer]
    outputs: list[str]


class ItemsAnswer(TypedDict):
    """Items, as the service answers."""

    items: list[ItemsItemAnswer]
    next: int | None


class JobCountsAnswer(TypedDict):
    """Job counts, as the service answers."""

    pending: int
    claimed: int
    deliver: int
    review: int
    manual: int
    failed: int
    superseded: int
    gone: int


class JobWebhookAnswer(TypedDict):
    """Job webhook, as the service answers."""

    state: str
    attempts: int
    error: str | None
    next_at: str | None


class JobAnswer(TypedDict):
    """Job, as the service answers."""

    job: str
    name: str
    state: str
    error: str | None
    added_at: str
    ended_at: str | None
    counts: JobCountsAnswer
    webhook: JobWebhookAnswer | None


class JobsJobAnswer(TypedDict):
    """Jobs job, as the service answers."""

    job: str
    name: str
    state: str
    error: str | None
    added_at: str
    ended_at: str | None


class JobsAnswer(TypedDict):
    """Jobs, as the service answers."""

    jobs: list[JobsJobAnswer]


class ModelsModelAnswer(TypedDict):
    """Models model, as the service answers."""

    name: str
    family: str
    licence: str
    commercial: bool
    open: bool
    default: bool


class ModelsAnswer(TypedDict):
    """Models, as the service answers."""

    models: list[ModelsModelAnswer]


class OpinionBoxAnswer(TypedDict):
    """Opinion box, as the service answers."""

    top: int
    left: int
    bottom: int
    right: int


class OpinionAnswer(TypedDict):
    """Opinion, as the service answers."""

    status: str
    confidence: float | None
    score: float | None
    route: str | None
    edges: str | None
    reasons: list[object]
    model: str
    size: list[int]
    box: OpinionBoxAnswer | None
    result_b64: str


class ReadinessAnswer(TypedDict):
    """Readiness, as the service answers."""

    status: str
    places: int
    taken: int
    overdue: int


class RemoveBgResultDataAnswer(TypedDict):
    """Remove bg result data, as the service answers."""

    result_b64: str
    foreground_top: int
    foreground_left: int
    foreground_width: int
    foreground_height: int


class RemoveBgResultAnswer(TypedDict):
    """Remove bg result, as the service answers."""

    data: RemoveBgResultDataAnswer


class SegmentsSegmentRleAnswer(TypedDict):
    """Segments segment rle, as the service answers."""

    size: list[int]
    counts: str


class SegmentsSegmentAnswer(TypedDict):
    """Segments segment, as the service answers."""

    label: str
    score: float | None
    area: int
    rle: SegmentsSegmentRleAnswer


class SegmentsAnswer(TypedDict):
    """Segments, as the service answers."""

    size: list[int]
    segments: list[SegmentsSegmentAnswer]


class SuitabilityJobCountsAnswer(TypedDict):
    """Suitability job counts, as the service answers."""

    pending: int
    done: int
    failed: int


class SuitabilityJobWebhookAnswer(TypedDict):
    """Suitability job webhook, as the service answers."""

    state: str
    attempts: int
    error: str | None
    next_at: str | None


class SuitabilityJobAnswer(TypedDict):
    """Suitability job, as the service answers."""

    job: str
    name: str
    state: str
    error: str | None
    added_at: str
    ended_at: str | None
    counts: SuitabilityJobCountsAnswer
    webhook: SuitabilityJobWebhookAnswer | None


class SuitabilityJobsJobAnswer(TypedDict):
    """Suitability jobs job, as the service answers."""

    job: str
    name: str
    state: str
    error: str | None
    added_at: str
    ended_at: str | None


class SuitabilityJobsAnswer(TypedDict):
    """Suitability jobs, as the service answers."""

    jobs: list[SuitabilityJobsJobAnswer]


class SuitabilityResultsResultCategorieAnswer(TypedDict):
    """Suitability results result categorie, as the service answers."""

    category: str
    iab_id: str | None
    coverage: str
    likelihood: int | None
    extent: str | None
    proposed_risk: str | None
    rule: str | None


class SuitabilityResultsResultAnswer(TypedDict):
    """Suitability results result, as the service answers."""

    source: str
    status: str
    error: str | None
    categories: list[SuitabilityResultsResultCategorieAnswer] | None
    outputs: list[str]


class SuitabilityResultsAnswer(TypedDict):
    """Suitability results, as the service answers."""

    statement: str
    results: list[SuitabilityResultsResultAnswer]
    outputs: list[str]
