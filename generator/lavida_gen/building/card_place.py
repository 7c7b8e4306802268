"""Where a corpus is, as its data set card names the place to other programs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CardPlace:
    """Where a corpus is, in the words of each tool.

    Attributes:
        dataset: What `datasets.load_dataset` takes.
        base: Folder or URL that file names are joined to.
        ours: What `lavida-gen` takes.
        repo: OWNER/NAME on the Hub, "" if it is not published.
        revision: Branch on the Hub.
    """

    dataset: str
    base: str
    ours: str
    repo: str = ""
    revision: str = "main"

    @classmethod
    def of(cls, place: str) -> CardPlace:
        """A folder or URL that is not on the Hub.

        Args:
            place: As the user gave it.
        """
        plain = place.rstrip("/")
        return cls(plain, plain, shlex.quote(plain))

    @classmethod
    def hub(cls, repo: str, revision: str) -> CardPlace:
        """A repository on the Hub.

        Args:
            repo: OWNER/NAME.
            revision: Branch.
        """
        base = f"https://huggingface.co/datasets/{repo}/resolve/{revision}"
        branch = f"@{revision}" if revision != "main" else ""
        return cls(repo, base, f"hf://datasets/{repo}{branch}", repo, revision)
