"""What is the same for every picture of a run, wherever that is worked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskworks.batch.workers import PixelBudget, taking_turns
from maskworks.core.reading import Limits
from maskworks.cutouts.scoring.score_model import digest_of, load_score_model
from maskworks.refine.refinement import RefineOptions
from maskworks.studio.campaign.assignment import PlannedItem
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.cost import Rates
from maskworks.studio.pipeline import Settings, Step, steps_for
from maskworks.studio.route import Rules
from maskworks.studio.run.filing import out_of

_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemJob:
    """All that is the same for every picture of a run.

    Parameters
    ----------
    out : the folder of the outputs
    planned : what each picture gets, by its source
    names : what its outputs are called (`deliver.names_for`)
    steps : as `pipeline.steps_for` returns them
    form : the suffix of the outputs
    rules : what decides on a route
    rates : None if the campaign names no cost
    budget : pixels in hand
    scorer : digest of the score file
    seconds : that a picture may take; None is without limit
    """

    out: Path
    planned: Mapping[str, PlannedItem] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    form: str
    rules: Rules
    rates: Rates | None
    budget: PixelBudget = field(default_factory=PixelBudget)
    limits: Limits = _LIMITS
    scorer: str | None = None
    debug: bool = False
    seconds: float | None = None


def job_of(file: CampaignFile, *, debug: bool = False, seconds: float | None = None) -> ItemJob:
    """Return what a campaign file says, for no picture yet, with steps that have no model yet."""
    campaign = file.campaign
    return ItemJob(
        out=out_of(file),
        form=campaign.output.written,
        rules=Rules(deliver_at=campaign.quality.deliver_at, spot_check=campaign.quality.spot_check),
        rates=campaign.cost,
        scorer=digest_of(file.scorer),
        debug=debug,
        seconds=seconds,
    )


def with_model(job: ItemJob, file: CampaignFile, threads: int) -> ItemJob:
    """Return the job with its steps, their model opened with so many threads.

    Raises
    ------
    ModelError
        If it cannot be opened.
    """
    from maskworks.models import load_model

    campaign = file.campaign
    # The score was fitted on what the network says; it has a calibration of its own.
    model = load_model(campaign.input.model, threads=threads, calibrated=False)
    settings = Settings(
        model=taking_turns(model),
        output=campaign.output,
        quality=job.rules,
        refinement=RefineOptions(method=campaign.input.refine),
        scorer=load_score_model(file.scorer),
    )
    return replace(job, steps=steps_for(settings))
