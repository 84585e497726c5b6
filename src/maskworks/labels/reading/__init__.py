"""What is labelled and is no photo: scans slice by slice, rasters part by part."""

from __future__ import annotations
