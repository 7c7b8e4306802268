"""Drawn street and campus views with exact masks: the renderer of the source `street`.

    camera.py      where a point of the world falls in the picture
    layouts.py     types of places: materials, where actors move
    place.py       sky and ground: one still background; buildings.py, scenery.py: what stands on it
    light.py       side, strength, haze
    paint.py       brush, sprites, colours
    noise.py       texture
    draws.py       random choices
    figures.py, animals.py, vehicles.py, things.py   paint one thing each
    acts.py        the registry of kinds, and of acts: how kinds appear together
    actors.py      who appears in a film, how they look and move
    population.py, closeup.py   which actors appear, and where
    phrases.py     what they are called
    film.py        everything composed, frame by frame, with masks

`python -m lavida_gen.inspection.street_sheet --out sheet.png` draws a sheet of examples.
"""

from lavida_gen.street.actors import Actor
from lavida_gen.street.acts import Motion
from lavida_gen.street.film import Film, RenderedFrame

__all__ = ["Actor", "Film", "Motion", "RenderedFrame"]
