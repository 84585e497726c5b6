"""Production line of a studio: campaigns, scoring, output rules, review and store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.calibration.suggestions import Suggestion as Suggestion
    from maskworks.studio.calibration.suggestions import suggest_rules as suggest_rules
    from maskworks.studio.campaign.assignment import Assignment as Assignment
    from maskworks.studio.campaign.assignment import PlannedItem as PlannedItem
    from maskworks.studio.campaign.assignment import assign as assign
    from maskworks.studio.campaign.campaign_file import CampaignFile as CampaignFile
    from maskworks.studio.campaign.campaign_file import read_campaign as read_campaign
    from maskworks.studio.campaign.exceptions import Rule as Rule
    from maskworks.studio.campaign.exceptions import find_rule as find_rule
    from maskworks.studio.campaign.exceptions import read_exceptions as read_exceptions
    from maskworks.studio.cost import Bill as Bill
    from maskworks.studio.cost import Rates as Rates
    from maskworks.studio.cost import add_up as add_up
    from maskworks.studio.cost import unit_cost as unit_cost
    from maskworks.studio.cost import yearly_saving as yearly_saving
    from maskworks.studio.output.gate import Breach as Breach
    from maskworks.studio.output.gate import Gate as Gate
    from maskworks.studio.output.gate import check_output as check_output
    from maskworks.studio.output.presets import find_preset as find_preset
    from maskworks.studio.output.presets import load_presets as load_presets
    from maskworks.studio.output.presets import rules_from as rules_from
    from maskworks.studio.output.rules import OutputRules as OutputRules
    from maskworks.studio.review.ingesting import IngestContext as IngestContext
    from maskworks.studio.review.ingesting import Ingested as Ingested
    from maskworks.studio.review.ingesting import ingest_folder as ingest_folder
    from maskworks.studio.run.reporting import report_campaign as report_campaign
    from maskworks.studio.run.run import CampaignRun as CampaignRun
    from maskworks.studio.run.run import RunEnded as RunEnded
    from maskworks.studio.run.run import RunListener as RunListener
    from maskworks.studio.run.run import RunStarted as RunStarted
    from maskworks.studio.run.run import run_opened as run_opened


__getattr__, __dir__, __all__ = lazy_names(__name__)
