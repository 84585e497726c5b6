"""Labelled pictures as people keep them, brought to pictures and PNGs of ids."""
