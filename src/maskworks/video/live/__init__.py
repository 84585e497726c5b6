"""Mattes while frames come in: camera, pipe or clip in, a virtual background out."""
