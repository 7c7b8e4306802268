"""Masks as PNG: every decoder reads 0 and 255."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lavida_gen.scenes import mask_png


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_every_decoder_reads_0_and_255(height: int, width: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.3
    data = mask_png.encode(mask)
    wanted = np.where(mask, 255, 0)
    image = Image.open(io.BytesIO(data))
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), wanted)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), wanted)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), wanted)


@pytest.mark.parametrize("handler", ["pil", "l8", "rgb8"])
def test_webdataset_reads_0_and_255(handler: str) -> None:
    import webdataset

    mask = np.zeros((9, 13), np.bool_)
    mask[2:5, 3:11] = True
    decoded = webdataset.autodecode.ImageHandler(handler)("mask.png", mask_png.encode(mask))
    assert sorted(np.unique(np.asarray(decoded))) == [0, 255]


def test_the_file_is_as_specified() -> None:
    data = mask_png.encode(np.ones((3, 5), np.bool_))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[24:26] == bytes([2, 0]), "2 bits a pixel, grey"
