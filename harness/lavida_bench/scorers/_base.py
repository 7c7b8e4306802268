"""The base of all scorers' plug-ins: which models a kind of scorer takes, and how one becomes a `Scorer`.

    kind = make("clip", {"normal": ["an empty street"]})
    scorer = kind.open("openai/clip-vit-base-patch32", LoadSettings())

To add one, write `scorers/NAME.py` with one subclass of ScorerKind. Its docstring defines the score: what a frame's,
a pixel's and a name's logit are, and how they are calibrated. A module may import torch at its top; transformers is
imported where a model is loaded. tests/bench/test_scorers.py finds the file by itself.
"""

from __future__ import annotations

import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Literal

from pydantic import ValidationError
from typing_extensions import TypeVar

from lavida_bench.common.option_problems import option_problems
from lavida_bench.config.recipe import SCORERS
from lavida_bench.scoring.scorer import Precision, Scorer
from lavida_gen.common.errors import UserError
from lavida_gen.common.plugins import find, names
from lavida_gen.common.strict_model import StrictModel

PACKAGE = SCORERS
RANDOM = "random"
"""The model that is no model: random weights in the official format, to try the wiring."""
Output = Literal["frames", "maps", "regions", "names"]
"""What a scorer gives: logits of frames and pixels, boxes of its own, logits of each name."""


@dataclass(frozen=True, slots=True)
class PublicModel:
    """A model that can be downloaded.

    Attributes:
        name: OWNER/NAME on the Hub.
        parameters: Their number, in millions; of language models as their names state it.
        licence: As its card states it, or what is known of it.
    """

    name: str
    parameters: int
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerInfo:
    """What `lavida-bench scorers NAME` prints.

    Attributes:
        title: What it is, in a line.
        outputs: What it gives.
        reads_names: Whether the names of the prompt change its scores.
        names_in_order: Whether the order of the names changes its scores by more than rounding.
        models: Public models that it takes, the default first; () = it has no model.
        families: `model_type` of the models that it takes, as transformers calls them.
    """

    title: str
    outputs: tuple[Output, ...]
    reads_names: bool = True
    names_in_order: bool = False
    models: tuple[PublicModel, ...] = ()
    families: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How a model is loaded.

    Attributes:
        precision: auto = bf16 on a GPU, else fp32.
        device: torch's name of the device; None = this process' GPU if there is one.
        seed: Seed of random weights.
    """

    precision: Precision = "auto"
    device: str | None = None
    seed: int = 0


class ScorerOptions(StrictModel):
    """Options of every kind of scorer: none."""


OptionsT_co = TypeVar("OptionsT_co", bound=ScorerOptions, covariant=True, default=ScorerOptions)


class ScorerKind(ABC, Generic[OptionsT_co]):
    """One kind of scorer, with its options.

    Attributes:
        Options: The type of its options.
        about: What it is, what it gives, which models it takes.
        options: The options it was made with.
        name: Its name, as reports and results record it.
    """

    Options: ClassVar[type[ScorerOptions]] = ScorerOptions
    about: ClassVar[ScorerInfo]

    def __init__(self, options: OptionsT_co, name: str = "") -> None:
        """Make the kind; nothing is loaded.

        Args:
            options: Options of the type `Options`.
            name: The name that the user asked for; "" = the name of the module.
        """
        self.options = options
        self.name = name or type(self).__module__.rpartition(".")[2]

    def chosen(self, model: str | None) -> str:
        """The model to load: the one that is asked for, or the first public one.

        Args:
            model: What the user gave; None = nothing.

        Returns:
            Folder, OWNER/NAME, or `RANDOM`; "" for a kind without models.

        Raises:
            UserError: The kind has no model and one is given, or it needs one and knows no default.
        """
        models = self.about.models
        if not models and not self.about.families:
            if model is not None:
                raise UserError(f"scorer {self.name} has no model; got --model {model}; leave it out")
            return ""
        if model is None and not models:
            raise UserError(
                f"scorer {self.name} needs a model; expected --model with a folder, or OWNER/NAME on the Hub"
            )
        return models[0].name if model is None else model

    def locate(self, model: str | None) -> None:
        """Find the model, or download it, before anything else is opened or created.

        Args:
            model: What the user gave.

        Raises:
            UserError: There is no such model, or it is of another family.
        """
        where = self.chosen(model)
        if where and where != RANDOM:
            from lavida_bench.scorers._checkpoints import find_checkpoint

            find_checkpoint(where, self.name, self.about.families)

    def open(self, model: str | None, how: LoadSettings) -> Scorer:
        """Load a model.

        Args:
            model: What the user gave; None = the kind's default.
            how: Precision, device, seed.

        Returns:
            The scorer, ready.

        Raises:
            UserError: There is no such model or device.
            DataError: A file of the model cannot be read, or its configuration does not fit its weights.
        """
        where = self.chosen(model)
        if where:
            _hide_bars()
        if where != RANDOM:
            scorer = self.load(where, how)
            if "/" in where or Path(where).is_dir():  # no preset: somebody has saved it
                from lavida_bench.scoring.probe import refuse_unfit

                refuse_unfit(scorer, where)
            return scorer
        with tempfile.TemporaryDirectory() as folder:
            self.write_random(Path(folder), how.seed)
            return self.load(folder, how)

    def compile(self, scorer: Scorer) -> None:
        """Compile the heavy stages of a scorer of this kind (`torch.compile`), on a GPU.

        Args:
            scorer: What `open` returned.

        Raises:
            UserError: The kind has none that can be compiled.
        """
        raise UserError(f"--compile: scorer {self.name} has nothing to compile; leave it out")

    @abstractmethod
    def load(self, where: str, how: LoadSettings) -> Scorer:
        """Load a model that is there.

        Args:
            where: Folder, or OWNER/NAME on the Hub; "" for a kind without models.
            how: Precision, device, seed.
        """

    def write_random(self, folder: Path, seed: int) -> None:
        """Write a tiny model with random weights in the format of the public ones, marked as such.

        Args:
            folder: An empty folder.
            seed: Seed of the weights.

        Raises:
            UserError: The kind cannot make one.
        """
        raise UserError(f"scorer {self.name} cannot make a model of random weights; give --model a folder")


def _hide_bars() -> None:
    """No bars of transformers where nobody watches a terminal."""
    if not sys.stderr.isatty():
        from transformers.utils import logging

        disable: Callable[[], None] = logging.disable_progress_bar
        disable()


def known() -> tuple[str, ...]:
    """Names of all kinds of scorers."""
    return names(PACKAGE)


def find_class(name: str, allow_code: bool = False) -> type[ScorerKind]:
    """The class of a kind of scorer.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        A concrete subclass of ScorerKind.

    Raises:
        UserError: The name is unknown, or code is not allowed.
    """
    return find(PACKAGE, ScorerKind, name, allow_code)


def make(name: str, settings: Mapping[str, object] | None = None, allow_code: bool = False) -> ScorerKind:
    """Make a kind of scorer. No model is loaded yet.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        settings: Its options.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        The kind.

    Raises:
        UserError: The name or an option is unknown, or a value is invalid.
    """
    cls = find_class(name, allow_code)
    try:
        return cls(cls.Options.model_validate(dict(settings or {})), name)
    except ValidationError as error:
        raise UserError(f"scorer {name}: {option_problems(error, cls.Options)}") from error
