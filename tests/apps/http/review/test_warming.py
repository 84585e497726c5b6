from __future__ import annotations

import shutil

from maskworks.apps.http.review.warming import AHEAD, Warming


def warmed(warming):
    """Let it do everything there is to do; return how often it had something."""
    turns = 0
    while warming.warm_one():
        turns += 1
        assert turns < 50
    return turns


def test_first_pictures_of_a_queue_are_made_ready(reviewed, monkeypatch):
    service, made = reviewed.server.service, []
    monkeypatch.setattr(service.previews, "show_photo", lambda *a, **_: made.append(a[1].source))
    warming = Warming(service.campaigns, service.previews, lambda: True)
    assert warmed(warming) == 1 + AHEAD
    assert len(set(made)) == AHEAD
    assert warmed(warming) == 0, "nothing new is expected"
    warming.expect("spring")
    assert warmed(warming) > 1
    warming.expect("none such")
    assert warmed(warming) == 0


def test_nothing_is_made_while_somebody_waits(reviewed):
    service = reviewed.server.service
    assert warmed(Warming(service.campaigns, service.previews, lambda: False)) == 0


def test_picture_that_is_gone_stops_nothing(reviewed, campaign_folder):
    shutil.rmtree(campaign_folder / "photos")
    (campaign_folder / "photos").mkdir()
    service = reviewed.server.service
    assert warmed(Warming(service.campaigns, service.previews, lambda: True)) == 1 + AHEAD
