"""What only the user knows about their own files: their licence, and what it allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from lavida_gen.sources._base import SourceInfo, SourceOptions


class UserRightsOptions(SourceOptions):
    """Options of sources that read a user's own files. Without them, a corpus of these files is not passed on."""

    licence: str | None = Field(
        default=None, min_length=1, description="licence of the files, an SPDX id if there is one; needed to publish"
    )
    use: Literal["free", "noncommercial"] | None = Field(
        default=None, description="what the licence allows with samples: free or noncommercial; needed to publish"
    )
    attribution: str | None = Field(
        default=None, min_length=1, description="owner of the files, named by a published corpus"
    )

    @model_validator(mode="after")
    def _both(self) -> UserRightsOptions:
        if (self.licence is None) != (self.use is None):
            raise ValueError("give both `licence` and `use`, or neither: the licence of the files, and what it allows")
        return self

    def rights(self, about: SourceInfo) -> SourceInfo:
        """Combine these options with a source's own information.

        Args:
            about: The source's information.

        Returns:
            `about` with the licence, use and attribution of these options where they are given.
        """
        return replace(
            about,
            licence=self.licence or about.licence,
            use=self.use or about.use,
            attribution=self.attribution or about.attribution,
        )
