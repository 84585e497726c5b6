"""The page of a model's card."""

from __future__ import annotations

import re

from maskworks.evaluate.model_card import ModelCard
from maskworks.evaluate.pages.drawing import page
from maskworks.evaluate.pages.markdown import html_of


def card_page(card: ModelCard) -> str:
    """Return a model's card as one offline page with a list of its parts at the top."""
    anchors = {heading: re.sub(r"\W+", "-", heading.lower()) for heading, _ in card.parts}
    links = "".join(f'<a href="#{anchors[h]}">{html_of(h, inline=True)}</a>' for h in anchors)
    body = [
        f'<section id="{anchors[heading]}"><h2>{html_of(heading, inline=True)}</h2>'
        f"{html_of(text, card.folder)}</section>"
        for heading, text in card.parts
    ]
    intro = html_of(card.summary)
    return page(f"Model card: {card.name}", [intro, f'<nav class="parts">{links}</nav>', *body])
