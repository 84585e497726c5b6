"""Families: one function each, from a picture to a prediction, through any `Network`."""
