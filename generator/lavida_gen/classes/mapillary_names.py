"""Classes of Mapillary Vistas 1.2 and 2.0: everyday names, groups of things, classes that may be true of one thing.

A class has a path ("object--vehicle--on-rails") and a readable name ("On Rails"), which often repeats the path or means
something only beside its neighbours. https://www.mapillary.com/dataset/vistas
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from lavida_gen.classes.label import Label

EVERYDAY = {
    "animal--ground-animal": "animal",
    "construction--barrier--road-side": "roadside",
    "construction--flat--crosswalk-plain": "plain crosswalk",
    "construction--flat--parking": "parking space",
    "human--rider--other-rider": "rider",
    "marking--continuous--dashed": "dashed lane marking",
    "marking--continuous--solid": "solid lane marking",
    "marking--continuous--zigzag": "zigzag lane marking",
    "marking--crosswalk-zebra": "zebra crossing",
    "marking--discrete--arrow--left": "left arrow marking",
    "marking--discrete--arrow--other": "arrow marking",
    "marking--discrete--arrow--right": "right arrow marking",
    "marking--discrete--arrow--split-left-or-straight": "straight or left arrow marking",
    "marking--discrete--arrow--split-right-or-straight": "straight or right arrow marking",
    "marking--discrete--arrow--straight": "straight arrow marking",
    "marking--discrete--crosswalk-zebra": "zebra crossing",
    "marking--discrete--give-way-row": "give way line",
    "marking--discrete--give-way-single": "give way triangle marking",
    "marking--discrete--hatched--chevron": "chevron marking",
    "marking--discrete--hatched--diagonal": "diagonal hatched marking",
    "marking--discrete--other-marking": "lane marking",
    "marking--discrete--stop-line": "stop line",
    "marking--discrete--symbol--bicycle": "bicycle symbol marking",
    "marking--discrete--symbol--other": "symbol marking",
    "marking--discrete--text": "text marking",
    "marking--general": "lane marking",
    "object--sign--advertisement": "advertisement sign",
    "object--sign--back": "back of a sign",
    "object--sign--information": "information sign",
    "object--sign--other": "sign",
    "object--sign--store": "store sign",
    "object--traffic-light--cyclists": "cyclist traffic light",
    "object--traffic-light--general-horizontal": "horizontal traffic light",
    "object--traffic-light--general-single": "single traffic light",
    "object--traffic-light--general-upright": "upright traffic light",
    "object--traffic-light--other": "traffic light",
    "object--traffic-light--pedestrians": "pedestrian traffic light",
    "object--traffic-sign--back": "back of a traffic sign",
    "object--traffic-sign--direction-back": "back of a direction sign",
    "object--traffic-sign--direction-front": "direction sign",
    "object--traffic-sign--front": "traffic sign",
    "object--traffic-sign--information-parking": "parking sign",
    "object--traffic-sign--temporary-back": "back of a temporary traffic sign",
    "object--traffic-sign--temporary-front": "temporary traffic sign",
    "object--vehicle--on-rails": "rail vehicle",
    "object--vehicle--other-vehicle": "vehicle",
    "object--vehicle--wheeled-slow": "slow wheeled vehicle",
}
"""By path, where the readable name means little by itself. A class of paint alone ("marking-only--...") has the name of
its marking."""

GENERAL = frozenset(("general", "other", "other-barrier", "other-marking", "other-rider", "other-vehicle", "front"))
"""Last parts of paths whose everyday name is true of their neighbours too: a parking sign is a traffic sign."""

ALSO = {
    "human--person--person-group": ("bicyclist", "motorcyclist", "rider"),
    "construction--flat--crosswalk-plain": ("zebra crossing", "crosswalk"),
    "marking--crosswalk-zebra": ("crosswalk", "lane marking"),
    "marking--discrete--crosswalk-zebra": ("crosswalk", "lane marking"),
    "construction--flat--curb-cut": ("curb", "sidewalk"),
    "object--vehicle--on-rails": ("train", "tram", "streetcar", "locomotive", "subway train"),
    "object--vehicle--wheeled-slow": ("wheelchair", "stroller", "baby carriage", "cart", "shopping cart", "scooter"),
    "object--sign--advertisement": ("billboard", "poster"),
}
"""Names, also of other data sets, that may be true of a class though its path does not show it."""


def everyday_name(path: str, readable: str) -> str:
    """The name that people use.

    Args:
        path: ``object--vehicle--on-rails``.
        readable: ``On Rails``.

    Returns:
        The name in lower case, ``rail vehicle``.
    """
    return EVERYDAY.get(path.replace("marking-only--", "marking--"), " ".join(readable.lower().split()))


def names_by_path(classes: Mapping[str, str]) -> dict[str, str]:
    """The everyday name of every class; a group of persons is called "person", as its members are.

    Args:
        classes: Readable name of every class by path.

    Returns:
        Everyday name by path.
    """
    names = {path: everyday_name(path, readable) for path, readable in classes.items()}
    return {path: names.get(member_of(path, names), name) for path, name in names.items()}


def make_label(path: str, readable: str, has_instances: bool, names: Mapping[str, str]) -> Label:
    """The label of a class that is not void.

    A group of persons is no single thing, but its pixels belong to "person" all the same: they are part of the mask of
    an anomaly "person". What is marked as ambiguous is there, but never the anomaly; nor is a group without a class of
    its members.

    Args:
        path: The class.
        readable: Its readable name.
        has_instances: Whether its instances are annotated.
        names: Everyday name of every class of the data set, by path.

    Returns:
        The label.
    """
    kind: Literal["thing", "stuff"] = "thing" if has_instances else "stuff"
    if member_of(path, names):
        return Label(names[path], kind, candidate=True, group=path.rpartition("--")[0])
    original = "" if names[path] == " ".join(readable.lower().split()) else readable
    return Label(names[path], kind, has_instances and not is_ambiguous(path), path.rpartition("--")[0], original)


def member_of(path: str, names: Mapping[str, str]) -> str:
    """The class of a group's members, "" if there is none: ``human--person--individual``.

    Args:
        path: A class.
        names: All classes of the data set.
    """
    parent, _, last = path.rpartition("--")
    members = (f"{parent}--individual", f"{parent}--{last.removesuffix('-group')}") if is_group(path) else ()
    return next((member for member in members if member in names), "")


def is_unlisted(path: str, names: Mapping[str, str]) -> bool:
    """Whether no prompt lists a class, as its name is none that people use: ambiguous ones, groups without a member.

    Args:
        path: The class.
        names: All classes of the data set.
    """
    return is_ambiguous(path) or (is_group(path) and not member_of(path, names))


def is_group(path: str) -> bool:
    """Whether a class stands for several things at once: ``object--vehicle--vehicle-group``."""
    return path.endswith("-group")


def is_ambiguous(path: str) -> bool:
    """Whether people could not decide which class of its parent it is."""
    return path.endswith("--ambiguous")


def related_names(names: Mapping[str, str]) -> dict[str, list[str]]:
    """Which names may be true of the same thing: groups, general and ambiguous classes, and their neighbours.

    Args:
        names: Everyday name of every class by path.

    Returns:
        Name -> other names.
    """
    related: dict[str, dict[str, None]] = {}
    for path, name in names.items():
        parent, _, last = path.rpartition("--")
        has_kind = "--" in parent or last in GENERAL  # a group of "object" could be of anything
        if has_kind and (is_group(path) or is_ambiguous(path) or last in GENERAL):
            near = [other for at, other in names.items() if at != path and at.startswith(f"{parent}--")]
        else:
            near = []
        others = [other for other in (*near, *ALSO.get(path, ())) if other != name]
        if others:
            related.setdefault(name, {}).update(dict.fromkeys(others))
    return {name: list(others) for name, others in related.items()}
