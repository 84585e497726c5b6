"""Train our own models by recipe, and export them with proof; needs the extra ``[torch]``."""
