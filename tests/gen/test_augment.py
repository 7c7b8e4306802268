"""Augmentations: one draw for a whole sample, masks that follow their pixels, no change if nothing is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from lavida_gen.config import augment
from lavida_gen.config.augment import Augmentation, ImageSettings, Size
from lavida_gen.config.transforms import TABLE
from lavida_gen.scenes import masks
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.sample import Draft, Rejection

SIZE = (48, 64)
KEEP = ImageSettings()


def clip(frames: int = 3, name: str = "red thing") -> Draft:
    """A red block that moves, and its mask."""
    shown, marks = [], []
    for time in range(frames):
        bits = np.zeros(SIZE, bool)
        bits[10:26, 6 + 9 * time : 22 + 9 * time] = True
        pixels = np.full((*SIZE, 3), 90, np.uint8)
        pixels[bits] = (230, 20, 20)
        shown.append(Frame.drawn(lambda pixels=pixels: pixels, SIZE, "toy"))
        marks.append(masks.encode(bits))
    return Draft(tuple(shown), (name, "dog"), (True, False), tuple(marks), (marks[0], *[None] * (frames - 1)))


def applied(draft: Draft, *augmentations: Augmentation, image: ImageSettings = KEEP, seed: int = 0) -> Draft:
    made = augment.apply(draft, image, augmentations, np.random.default_rng(seed))
    assert isinstance(made, Draft)
    return made


def test_nothing_drawn_nothing_changed() -> None:
    draft = clip()
    assert applied(draft) is draft
    assert applied(draft, image=ImageSettings(size=Size(longest=64))) is draft, "never enlarged"


@pytest.mark.parametrize("name", TABLE)
def test_each_is_one_draw_and_repeatable(name: str) -> None:
    one = Augmentation(name=name, p=1, strength=0.8)
    still = clip(1)
    twins = Draft(still.frames * 3, still.names, still.labels, still.masks * 3)
    made, again = applied(twins, one), applied(twins, one)
    first = made.frames[0].pixels()
    assert first.shape == (*SIZE, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, still.frames[0].pixels())
    for frame, other in zip(made.frames, again.frames, strict=True):
        assert np.array_equal(frame.pixels(), first), "the same draw for all frames"
        assert np.array_equal(other.pixels(), first), "the same seed, the same pixels"
    assert made.masks == again.masks
    assert len(set(made.masks)) == 1


@pytest.mark.parametrize("name", ["flip", "perspective", "high_angle"])
def test_masks_move_with_their_pixels(name: str) -> None:
    made = applied(clip(), Augmentation(name=name, p=1), seed=3)
    for frame, mask in zip(made.frames, made.masks, strict=True):
        assert mask is not None
        red = frame.pixels()[:, :, 0].astype(int) - frame.pixels()[:, :, 1] > 70
        inside = masks.decode(mask)
        assert (red & inside).sum() / (red | inside).sum() > 0.85
    assert [edit is None for edit in made.edits] == [False, True, True]


def test_a_high_camera_sees_the_ground_as_a_map() -> None:
    """Two lines that meet in the distance diverge; upright things get shorter relative to their width."""
    bits = np.zeros(SIZE, bool)
    for row in range(SIZE[0]):
        inset = 8 + (SIZE[0] - row) // 3
        bits[row, [inset, inset + 1, SIZE[1] - inset - 2, SIZE[1] - inset - 1]] = True
    road = Draft(clip(1).frames, ("road", "dog"), (True, False), (masks.encode(bits),))
    (mask,) = applied(road, Augmentation(name="high_angle", p=1)).masks
    assert mask is not None
    seen = masks.decode(mask)
    apart = [int(np.ptp(np.flatnonzero(seen[row]))) for row in (2, SIZE[0] - 3)]
    before = [int(np.ptp(np.flatnonzero(bits[row]))) for row in (2, SIZE[0] - 3)]
    assert apart[0] / apart[1] > 1.2 * before[0] / before[1]


def test_no_flip_if_names_mention_left_or_right() -> None:
    draft = clip(name="thing on the left")
    assert applied(draft, Augmentation(name="flip", p=1)) is draft


@pytest.mark.parametrize(("size", "wanted"), [(Size(longest=32), (24, 32)), (Size(exact=(40, 40)), (40, 40))])
def test_sizes(size: Size, wanted: tuple[int, int]) -> None:
    made = applied(clip(), image=ImageSettings(size=size))
    assert {frame.size for frame in made.frames} == {wanted}
    assert all(mask is not None and mask.size == wanted for mask in made.masks)
    assert made.frames[0].pixels().shape == (*wanted, 3)


def test_one_of_several_anomalies_is_not_moved_out() -> None:
    two = clip()
    both = Draft(two.frames, two.names, (True, True), two.masks, two.edits)
    strong = [Augmentation(name=name, p=1, strength=1) for name in ("perspective", "high_angle")]
    assert applied(both, *strong) is both
    assert applied(two, *strong) is not two


def test_one_of_several_anomalies_is_not_shrunk_to_nothing() -> None:
    pole, car = np.zeros((200, 400), np.bool_), np.zeros((200, 400), np.bool_)
    pole[20:180, 101:103], car[100:180, 200:320] = True, True
    alone = tuple((masks.encode(one),) for one in (pole, car))
    frame = Frame.drawn(lambda: np.full((200, 400, 3), 90, np.uint8), (200, 400), "x")
    whole = Draft((frame,), ("pole", "car"), (True, True), (masks.encode(pole | car),), parts=alone)
    for side, gone in ((400, False), (60, True)):
        done = augment.apply(whole, ImageSettings(size=Size(longest=side)), (), np.random.default_rng(0))
        assert isinstance(done, Rejection) == gone


def test_an_anomaly_that_is_no_longer_visible_is_rejected() -> None:
    bits = np.zeros(SIZE, bool)
    bits[0, 0] = True
    draft = Draft(clip(1).frames, ("dot",), (True,), (masks.encode(bits),))
    made = augment.apply(draft, ImageSettings(size=Size(exact=(16, 16))), [], np.random.default_rng(0))
    assert made == Rejection("lost by augmentation")


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"name": "rian"}, r"unknown augmentation 'rian'; did you mean 'rain'\?"),
        ({"name": "rain", "p": 0}, "greater than 0"),
        ({"name": "rain", "strength": 2}, "less than or equal to 1"),
        ({"name": "rain", "wet": 1}, "wet"),
    ],
)
def test_bad_settings(plain: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation.model_validate(plain)


@pytest.mark.parametrize("plain", [{}, {"longest": 9}, {"exact": [1, 2]}, {"longest": 64, "exact": [64, 64]}])
def test_bad_sizes(plain: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"longest|exact"):
        Size.model_validate(plain)


def test_a_name_alone_is_enough() -> None:
    assert Augmentation.model_validate("fog") == Augmentation(name="fog")
