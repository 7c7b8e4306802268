"""What a number of a mask or a category of a file stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lavida_gen.scenes.scene import Name


@dataclass(frozen=True, slots=True)
class Label:
    """What a value of an index mask stands for.

    Attributes:
        name: The name of the class or object.
        kind: "thing" (countable) or "stuff" (sky, road).
        candidate: Whether it may be declared the anomaly.
        group: Supercategory, "" if none.
        original: The data set's own wording where `name` is a cleaner one, "" where it is the same.
    """

    name: str
    kind: Literal["thing", "stuff"] = "thing"
    candidate: bool = True
    group: str = ""
    original: str = ""

    def as_name(self) -> Name:
        """The entry of a vocabulary."""
        return Name(self.name, self.name, self.group, original=self.original, is_stuff=self.kind == "stuff")
