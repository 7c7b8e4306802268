"""Drawn street and campus views with exact masks: the drawing room behind the source `street`.

    camera.py   where a point of the world falls in the picture      paint.py    brush, noise, colours
    layouts.py  types of places: materials, where who moves          light.py    side, strength, air
    place.py    sky and ground: one still background                 figures.py  people in poses
    buildings.py, scenery.py   houses and hills; trees and lamps     animals.py  what walks on four legs
    things.py   what people ride, push, carry or leave               vehicles.py cars and larger
    actors.py   the registry of kinds; who is there, how it moves    cast.py     who appears, what it is called
    film.py     all of it composed, frame by frame, with masks

`python -m lavida_gen.inspection.street_sheet --out sheet.png` draws a sheet to look at.
"""

from lavida_gen.street.actors import Actor, Motion
from lavida_gen.street.film import Film, Shot

__all__ = ["Actor", "Film", "Motion", "Shot"]
