"""What only the user knows of their own files: under which licence they are, and what may be done with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from lavida_gen.sources._base import SourceInfo, SourceOptions


class UserRightsOptions(SourceOptions):
    """Options of sources that read a user's own files. Without them a corpus of these files is not passed on."""

    licence: str | None = Field(
        default=None, min_length=1, description="of the files, an SPDX id if there is one; needed to publish"
    )
    use: Literal["free", "noncommercial"] | None = Field(
        default=None, description="what the licence allows with samples: free or noncommercial; needed to publish"
    )
    attribution: str | None = Field(default=None, min_length=1, description="whom a published corpus names")

    @model_validator(mode="after")
    def _both(self) -> UserRightsOptions:
        if (self.licence is None) != (self.use is None):
            raise ValueError("`licence` and `use` go together: under which licence, and what it allows")
        return self

    def rights(self, about: SourceInfo) -> SourceInfo:
        """`about` with what these options say."""
        return replace(
            about,
            licence=self.licence or about.licence,
            use=self.use or about.use,
            attribution=self.attribution or about.attribution,
        )
