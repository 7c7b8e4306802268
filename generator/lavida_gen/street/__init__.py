"""Drawn street and campus views with exact masks: the drawing room behind the source `street`.

    camera.py   where a point of the world falls in the picture       paint.py    brush, noise, colours
    place.py    sky, buildings, ground, trees: one still background   figures.py  people in poses, animals.py
    things.py   everything that has wheels, or none                   actors.py   who is there and how it moves
    film.py     all of it composed, frame by frame, with masks

`python -m lavida_gen.street --out sheet.png` draws a sheet to look at.
"""

from lavida_gen.street.actors import Actor, Motion
from lavida_gen.street.film import Film, Shot

__all__ = ["Actor", "Film", "Motion", "Shot"]
