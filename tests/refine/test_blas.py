from __future__ import annotations

from maskworks.refine import blas
from maskworks.refine.blas import one_blas_thread


def test_one_thread_inside_and_as_before_after():
    switches = blas._switches()
    if switches is None:  # SciPy built with another library
        with one_blas_thread():
            return
    read, write = switches
    start = read()
    write(2)
    try:
        with one_blas_thread():
            assert read() == 1
        assert read() == 2
    finally:
        write(start)


def test_without_openblas_nothing_happens(monkeypatch):
    monkeypatch.setattr(blas, "_switches", lambda: None)
    with one_blas_thread():
        pass
