"""The sensitive topics of the IAB Content Taxonomy 3.1, and misinformation, which it lacks.

Ids: IAB Tech Lab, Content Taxonomy 3.1 (file of August 2025), parent `v9i3On` Sensitive Topics;
risk levels and content descriptors: Content Taxonomy 3.0 Descriptive Vectors. Misinformation is
the twelfth topic of the GARM framework of 2022 and has no id there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args

from maskworks.core.errors import UsageError

CATTAX = 9
"""AdCOM's number of the Content Taxonomy 3.1."""

PARENT = "v9i3On"
"""Sensitive Topics."""

TopicName = Literal[
    "adult",
    "arms",
    "crime",
    "death",
    "debate",
    "hate",
    "drugs",
    "profanity",
    "piracy",
    "spam",
    "terrorism",
    "misinformation",
]
RiskId = Literal["bsr001", "bsr002", "bsr003", "bsr004"]

RISKS: dict[RiskId, str] = {
    "bsr001": "floor",
    "bsr002": "high",
    "bsr003": "medium",
    "bsr004": "low",
}
"""Risk levels by id, the gravest first."""

SOURCES = {"professional": "1216", "user-generated": "1217", "aggregated": "1218"}
"""Where content comes from, by id."""

PURPOSES = {"news": "1020", "opinion": "BEZLLC", "entertainment": "1014"}
"""What content is for, by id."""


@dataclass(frozen=True)
class SensitiveTopic:
    """One topic: our short name, its id in the taxonomy (None if it has none), its title."""

    name: TopicName
    iab_id: str | None
    title: str


TOPICS: tuple[SensitiveTopic, ...] = (
    SensitiveTopic("adult", "Rm3SiT", "Adult and explicit sexual content"),
    SensitiveTopic("arms", "avbNf2", "Arms and ammunition"),
    SensitiveTopic("crime", "XtODT3", "Crime, harmful acts and human rights violations"),
    SensitiveTopic("death", "I4GWl6", "Death, injury or military conflict"),
    SensitiveTopic("debate", "Z7rJBM", "Debated sensitive social issues"),
    SensitiveTopic("hate", "HxqYV1", "Hate speech and acts of aggression"),
    SensitiveTopic("drugs", "pg0WhF", "Illegal drugs, tobacco, vaping and alcohol"),
    SensitiveTopic("profanity", "j9PaO9", "Obscenity and profanity"),
    SensitiveTopic("piracy", "mm3UXx", "Online piracy"),
    SensitiveTopic("spam", "6i4dB6", "Spam or harmful content"),
    SensitiveTopic("terrorism", "8FD8nI", "Terrorism"),
    SensitiveTopic("misinformation", None, "Misinformation"),
)

NAMES: tuple[TopicName, ...] = get_args(TopicName)


def topic_of(text: str, *, where: str) -> SensitiveTopic:
    """Return the topic of that name or id.

    Parameters
    ----------
    text : str
        "arms" or "avbNf2".
    where : str
        The file or option it stands in, for the message.

    Raises
    ------
    UsageError
        If there is no such topic; the nearest is named.

    Examples
    --------
    >>> topic_of("avbNf2", where="policy").name
    'arms'
    """
    for topic in TOPICS:
        if text in (topic.name, topic.iab_id):
            return topic
    known = [*NAMES, *(t.iab_id for t in TOPICS if t.iab_id)]
    raise UsageError(f"{where}: there is no category {text!r}; {nearest(text, known)}")


def nearest(text: str, known: Iterable[str]) -> str:
    """Return the way out of a wrong name: the nearest of those there are, or all of them.

    Examples
    --------
    >>> nearest("newz", ["news", "opinion"])
    'did you mean news?'
    """
    folded = {name.lower(): name for name in known}
    close = get_close_matches(text.lower(), folded, n=1)
    return (
        f"did you mean {folded[close[0]]}?" if close else f"there are {', '.join(folded.values())}"
    )
