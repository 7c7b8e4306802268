"""The full release of ADE20K: two photos, with parts, parts of parts, a hidden object and a ground class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

CAR = "car, auto, automobile, machine, motorcar"
VEHICLE = ["motor vehicle, automotive vehicle", "self-propelled vehicle", "wheeled vehicle"]
CLASSES: dict[int, tuple[str, list[str]]] = {
    401: (CAR, [CAR, *VEHICLE]),
    774: ("door", []),
    1831: ("person, individual, someone", ["person, individual, someone", "organism, being", "entity"]),
    2131: ("road, route", ["road, route", "way", "artifact, artefact", "entity"]),
    3035: ("wheel", []),
    3050: ("window", []),
}
Instances = dict[tuple[int, int], shapes.Box]
"""(class, instance) -> where it is visible."""


def codes(boxes: Instances) -> np.ndarray:
    """(H, W, 3): class = R // 10 * 256 + G, instance = B."""
    found = np.zeros((*shapes.SIZE, 3), np.uint8)
    for (number, instance), (x, y, w, h) in boxes.items():
        found[y : y + h, x : x + w] = (number // 256 * 10, number % 256, instance)
    return found


def thing(ident: int, number: int, level: int = 0, whole: Any = (), **more: Any) -> dict[str, Any]:
    """An object as the release writes it."""
    name, hypernyms = CLASSES[number]
    parts = {"hasparts": [], "ispartof": list(whole) if isinstance(whole, tuple) else whole, "part_level": level}
    plain = {
        "id": ident,
        "name": name,
        "name_ndx": number,
        "hypernym": hypernyms,
        "raw_name": "thing",
        "attributes": [],
    }
    return {**plain, "depth_ordering_rank": 1, "occluded": [], "crop": "0", "parts": parts, **more}


def write(folder: Path, name: str, levels: list[Instances], things: list[dict[str, Any]], **more: Any) -> None:
    """A photo with its files."""
    shapes.jpeg(folder / f"{name}.jpg", len(things))
    for level, boxes in enumerate(levels):
        shapes.save(folder / f"{name}_{f'parts_{level}' if level else 'seg'}.png", codes(boxes))
    head = {"filename": f"{name}.jpg", "folder": "ADE20K_2021_17_01/images", "imsize": [*shapes.SIZE, 3]}
    shapes.write(folder / f"{name}.json", {"annotation": {**head, "scene": ["street"], "object": things, **more}})


WHOLES: Instances = {(2131, 5): (0, 30, 64, 18), (401, 10): (4, 8, 20, 24), (401, 255): (40, 20, 16, 16)}
PARTS: Instances = {(774, 120): (6, 10, 8, 12), (3035, 255): (8, 24, 6, 6)}
PARTS_OF_PARTS: Instances = {(3050, 255): (7, 11, 4, 4)}


def draw(root: Path) -> dict[str, Any]:
    streets = root / "images" / "ADE" / "training" / "urban" / "street"
    things = [thing(0, 2131), thing(1, 401), thing(2, 401), thing(3, 774, 1, 1), thing(4, 3035, 1, 1)]
    things += [thing(5, 3050, 2, 3), thing(6, 1831)]  # nothing of the person is visible
    write(streets, "ADE_train_00000001", [WHOLES, PARTS, PARTS_OF_PARTS], things)
    homes = root / "images" / "ADE" / "training" / "home_or_hotel" / "bedroom"
    write(homes, "ADE_train_00000002", [{(1831, 128): (10, 10, 12, 30)}], [thing(0, 1831)])
    return {"root": root}
