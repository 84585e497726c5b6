"""The line of a studio: what goes in, how it is cut, where it goes, what the book says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.calibration.suggestions import Suggestion, suggest_rules
    from maskworks.studio.campaign.assignment import Assignment, PlannedItem, assign
    from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
    from maskworks.studio.campaign.exceptions import Rule, find_rule, read_exceptions
    from maskworks.studio.cost import Bill, Rates, add_up, unit_cost, yearly_saving
    from maskworks.studio.output.gate import Breach, Gate, check_output
    from maskworks.studio.output.presets import find_preset, load_presets, rules_from
    from maskworks.studio.output.rules import OutputRules
    from maskworks.studio.review.ingesting import IngestContext, Ingested, ingest_folder
    from maskworks.studio.run.reporting import report_campaign
    from maskworks.studio.run.run import (
        CampaignRun,
        RunEnded,
        RunListener,
        RunStarted,
        run_opened,
    )

__all__ = [
    "Assignment",
    "Bill",
    "Breach",
    "CampaignFile",
    "CampaignRun",
    "Gate",
    "IngestContext",
    "Ingested",
    "OutputRules",
    "PlannedItem",
    "Rates",
    "Rule",
    "RunEnded",
    "RunListener",
    "RunStarted",
    "Suggestion",
    "add_up",
    "assign",
    "check_output",
    "find_preset",
    "find_rule",
    "ingest_folder",
    "load_presets",
    "read_campaign",
    "read_exceptions",
    "report_campaign",
    "rules_from",
    "run_opened",
    "suggest_rules",
    "unit_cost",
    "yearly_saving",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "calibration.suggestions": ["Suggestion", "suggest_rules"],
        "campaign.assignment": ["Assignment", "PlannedItem", "assign"],
        "campaign.campaign_file": ["CampaignFile", "read_campaign"],
        "campaign.exceptions": ["Rule", "find_rule", "read_exceptions"],
        "cost": ["Bill", "Rates", "add_up", "unit_cost", "yearly_saving"],
        "output.gate": ["Breach", "Gate", "check_output"],
        "output.presets": ["find_preset", "load_presets", "rules_from"],
        "output.rules": ["OutputRules"],
        "review.ingesting": ["IngestContext", "Ingested", "ingest_folder"],
        "run.reporting": ["report_campaign"],
        "run.run": ["CampaignRun", "RunEnded", "RunListener", "RunStarted", "run_opened"],
    },
)
