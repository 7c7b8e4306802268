"""Drawn street and campus views: the built-in source that needs no download.

Every scene has its own place, light and actors; masks are exact, since they come from the same drawing. The
drawing code is in lavida_gen.street.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import unknown_name
from lavida_gen.common.project import PROJECT_URL
from lavida_gen.scenes import masks
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE, Bits
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import Source, SourceInfo, SourceOptions
from lavida_gen.street import camera, closeup, layouts, phrases, place, population
from lavida_gen.street.actors import Actor
from lavida_gen.street.acts import KINDS
from lavida_gen.street.draws import pick
from lavida_gen.street.film import Film
from lavida_gen.street.place import Place

DRAWING = 6
"""Version of the drawings; increased whenever an image or its annotation changes."""
DESERTED = 0.25
"""Share of the scenes without people, in which "person" can be listed as an absent name."""


class StreetSourceOptions(SourceOptions):
    """Options of `street`."""

    scenes: int = Field(default=10_000, ge=1, le=10**9, description="number of different scenes")
    kind: Literal["image", "clip"] = Field(default="image", description="stills, or clips with motion")
    frames: int = Field(default=8, ge=2, le=64, description="frames per clip")
    fps: float = Field(default=6.0, gt=0, le=60, description="frames per second of a clip")
    size: tuple[int, int] = Field(default=(360, 480), description="[height, width] in pixels, 96 to 2160 each")
    seed: int = Field(default=0, ge=0, lt=2**31, description="random seed of the scenes")
    places: tuple[str, ...] | None = Field(default=None, description=f"only these of {', '.join(layouts.LAYOUTS)}")
    kinds: tuple[str, ...] | None = Field(default=None, description=f"only these of {', '.join(KINDS)}")
    things: tuple[int, int] = Field(default=(3, 9), description="[fewest, most] things or groups in a scene")
    closeup: bool = Field(default=False, description="two or three large things instead, side by side")

    @field_validator("size")
    @classmethod
    def _size(cls, size: tuple[int, int]) -> tuple[int, int]:
        if not all(96 <= side <= 2160 for side in size):
            raise ValueError("sides must be 96 to 2160 pixels")
        return size

    @field_validator("things")
    @classmethod
    def _things(cls, things: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= things[0] <= things[1] <= 40:
            raise ValueError("must be [fewest, most] with 0 <= fewest <= most <= 40")
        return things

    @field_validator("places", "kinds")
    @classmethod
    def _known(cls, names: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        known = tuple(layouts.LAYOUTS if info.field_name == "places" else KINDS)
        for name in names or ():
            if name not in known:
                raise ValueError(unknown_name(str(info.field_name).removesuffix("s"), name, known))
        if names == ():
            raise ValueError(f"is empty; known: {', '.join(known)}")
        if names is not None and info.field_name == "kinds" and not population.possible_acts(names):
            raise ValueError("none of these kinds is ever drawn alone; add person")
        return names


class StreetSource(Source[StreetSourceOptions]):
    """Scenes drawn from a seed; half of them are annotated with categories, half with expressions, too."""

    Options = StreetSourceOptions

    absence: ClassVar[FalseEvidence] = "verified"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="Drawn street and campus scenes",
        page=PROJECT_URL,
        licence="CC0-1.0",
        use="free",
        attribution="drawn by LAVIDA-GEN",
        pictures="drawn",
        get="Nothing to download: the scenes are drawn as they are needed.",
        layout="No folder.",
    )

    def __init__(self, options: StreetSourceOptions) -> None:
        """Store the options; there is nothing to open."""
        super().__init__(options)
        self._kinds = tuple(KINDS) if options.kinds is None else options.kinds
        self._places = tuple(layouts.LAYOUTS) if options.places is None else options.places
        plain = options.model_dump(exclude={"scenes"} if options.closeup else {"scenes", "closeup"})
        self._salt = sha256(repr(sorted(plain.items())))

    @property
    def kind(self) -> Kind:
        """Images or clips, as the options choose."""
        return self.options.kind

    def __len__(self) -> int:
        return self.options.scenes

    def key(self, number: int) -> str:
        """``street/KIND-SEED-SALT/NUMBER``; the salt is a digest of the other options.

        The version of the drawings is not part of the key, so a better drawing moves no scene to another split.
        """
        return f"street/{self.options.kind}-{self.options.seed}-{self._salt[:6]}/{number:06d}"

    def _set_up(self, number: int, drawn: bool) -> tuple[Place, list[Actor], int]:
        """Place, actors and film seed of a scene; the place can be painted only if it is `drawn`."""
        options = self.options
        seeds = np.random.SeedSequence((options.seed, number, int(self._salt[:8], 16))).spawn(3)
        rng, layout, paint = (np.random.Generator(np.random.PCG64(seed)) for seed in seeds)
        name = pick(rng, self._places)
        draw_camera = closeup.draw_camera if options.closeup else camera.draw_camera
        view = draw_camera(rng, options.size)
        scenery = place.draw_place(paint, name, view, layout) if drawn else place.lay_out_place(layout, name, view)
        count = int(rng.integers(options.things[0], options.things[1] + 1))
        seconds = (options.frames - 1) / options.fps if options.kind == "clip" else 0.0
        kinds = self._kinds
        if rng.random() < DESERTED:
            without_people = tuple(kind for kind in self._kinds if kind != "person")
            kinds = without_people if population.possible_acts(without_people) else self._kinds
        if options.closeup:
            actors = closeup.populate_closeup(rng, view, population.possible_acts(kinds), seconds)
        else:
            actors = population.populate(rng, scenery, count, kinds, seconds)
        return scenery, actors, int(rng.integers(2**31))

    def actors(self, number: int) -> list[Actor]:
        """The actors of a scene, without drawing it.

        Args:
            number: Number of the scene, 0..len-1.

        Returns:
            The actors.
        """
        return self._set_up(number, drawn=False)[1]

    def film(self, number: int) -> Film:
        """The place and actors of a scene, ready to be drawn at any time.

        Args:
            number: Number of the scene, 0..len-1.

        Returns:
            The film.
        """
        return Film(*self._set_up(number, drawn=True))

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """The actors, without drawing them; in the drawing, some may be hidden by others."""
        no_masks = (None,) * (self.options.frames if self.options.kind == "clip" else 1)
        return [Region(names, no_masks, names[0]) for names in self._names(number, self.actors(number))]

    def _names(self, number: int, actors: Sequence[Actor]) -> list[tuple[str, ...]]:
        """The names of each part of a scene: its kind, and in every second scene its expressions."""
        has_expressions = number % 2 == 1
        return [
            (kind, *expressions) if has_expressions else (kind,) for kind, expressions in phrases.part_names(actors)
        ]

    def scene(self, number: int) -> Scene:
        """Scene `number`: its masks are drawn now, its pixels when somebody reads them."""
        options, film = self.options, self.film(number)
        times = [frame / options.fps for frame in range(options.frames)] if options.kind == "clip" else [0.0]
        rendered = [film.render(time) for time in times]
        regions = []
        for part, names in enumerate(self._names(number, film.actors)):
            visible = tuple(_mask(frame_at.mask(part)) for frame_at in rendered)
            if any(visible):
                actor = film.actors[film.parts[part][0]]
                depth = -actor.position(times[0])[2]
                regions.append(Region(names, visible, names[0], depth=depth))
        key = self.key(number)
        return Scene(
            key=key,
            frames=tuple(
                Frame.drawn(frame_at.picture, options.size, f"{key} frame {frame}")
                for frame, frame_at in enumerate(rendered)
            ),
            size=options.size,
            regions=tuple(regions),
            licence=self.about.licence,
            group=key,
            fps=options.fps if options.kind == "clip" else None,
            attribution=self.about.attribution,
            absent=functools.partial(_absent, film.actors),
        )

    def vocabulary(self) -> Sequence[Name]:
        """Kinds, then expressions with colours and actions; only of the kinds that may appear."""
        return [Name(*row) for row in phrases.vocabulary() if row[1] in self._kinds]

    def fingerprint(self) -> str:
        """Version of the drawings, and the options."""
        return f"street-{DRAWING}-{self._salt[:16]}"


def _mask(bits: Bits) -> RLE | None:
    return masks.encode(bits) if bits.any() else None


def _absent(actors: Sequence[Actor]) -> Iterator[str]:
    return iter(phrases.untrue_expressions(actors))
