"""Models that are loaded become ONNX files that answer the same: `maskworks export MODEL`."""

from __future__ import annotations
