"""Every operation of the service, as a function that makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations

from maskworks.client.campaign_calls import follow_job as follow_job
from maskworks.client.campaign_calls import get_job as get_job
from maskworks.client.campaign_calls import get_output as get_output
from maskworks.client.campaign_calls import list_items as list_items
from maskworks.client.campaign_calls import list_jobs as list_jobs
from maskworks.client.campaign_calls import run_campaign as run_campaign
from maskworks.client.campaign_calls import run_named_campaign as run_named_campaign
from maskworks.client.operation_calls import healthz as healthz
from maskworks.client.operation_calls import metrics as metrics
from maskworks.client.operation_calls import readyz as readyz
from maskworks.client.picture_calls import cutout as cutout
from maskworks.client.picture_calls import cutout_json as cutout_json
from maskworks.client.picture_calls import list_models as list_models
from maskworks.client.picture_calls import matte as matte
from maskworks.client.picture_calls import segment as segment
from maskworks.client.picture_calls import segment_json as segment_json
from maskworks.client.rembg_calls import rembg as rembg
from maskworks.client.rembg_calls import rembg_by_address as rembg_by_address
from maskworks.client.removebg_calls import account as account
from maskworks.client.removebg_calls import improve as improve
from maskworks.client.removebg_calls import removebg as removebg
from maskworks.client.removebg_calls import removebg_json as removebg_json
from maskworks.client.suitability_calls import assess_clips as assess_clips
from maskworks.client.suitability_calls import evidence_file as evidence_file
from maskworks.client.suitability_calls import follow_clip_job as follow_clip_job
from maskworks.client.suitability_calls import get_clip_job as get_clip_job
from maskworks.client.suitability_calls import get_evidence as get_evidence
from maskworks.client.suitability_calls import list_clip_jobs as list_clip_jobs
