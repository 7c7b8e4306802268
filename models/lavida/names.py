"""Text features of anomaly names: the CLIP text tower's state at the end of each name, cached while it is frozen."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel

CACHED_NAMES = 100_000
"""Names that the cache holds: 512 float32 values each, 200 MB."""


class _TowerVersion(NamedTuple):
    """Changes whenever the tower's weights are loaded, moved, cast or updated."""

    address: int
    version: int
    dtype: torch.dtype
    device: torch.device


class NameEncoder(nn.Module):
    """CLIP text tower (arXiv 2103.00020) with a cache.

    A frozen tower encodes each name alone, once: its features depend on nothing else, to the last bit. Nothing is
    cached while the tower trains. The cache's keys are the names' tokens; it is cleared when the tower's weights
    change.

    Args:
        tower: The text tower.
    """

    def __init__(self, tower: CLIPTextModel) -> None:
        super().__init__()
        self.tower = tower
        self._cache: dict[tuple[int, ...], Tensor] = {}
        self._cached_version: _TowerVersion | None = None

    def forward(self, ids_KW: Tensor, mask_KW: Tensor) -> Tensor:
        """Encode names.

        Args:
            ids_KW: (K, W) int64 token ids, padded on the right.
            mask_KW: (K, W) int64, 0 = padding.

        Returns:
            (K, C) features in the tower's dtype.
        """
        weight = self._weight()
        if weight.requires_grad:
            return self._encode(ids_KW, mask_KW)
        version = _TowerVersion(weight.data_ptr(), weight._version, weight.dtype, weight.device)
        if version != self._cached_version or len(self._cache) > CACHED_NAMES:
            self._cache, self._cached_version = {}, version
        keys = [tuple(row[real].tolist()) for row, real in zip(ids_KW.cpu(), mask_KW.cpu().bool(), strict=True)]
        return torch.stack([self._cached(key, ids_KW) for key in keys])

    def _cached(self, key: tuple[int, ...], like: Tensor) -> Tensor:
        """The features (C,) of one name, encoded alone and without padding where the cache does not have them.

        Products of matrices round differently for other numbers of rows, so that a name encoded with others has other
        last bits: then features would depend on which names came before, and a resumed run would differ.
        """
        if key not in self._cache:
            ids_1W = like.new_tensor([key])
            with torch.inference_mode(False), torch.no_grad():
                self._cache[key] = self._encode(ids_1W, torch.ones_like(ids_1W))[0].clone()
        return self._cache[key]

    def _weight(self) -> Tensor:
        weight: Tensor = self.tower.embeddings.token_embedding.weight
        return weight

    def _encode(self, ids_KW: Tensor, mask_KW: Tensor) -> Tensor:
        """The state at the last real token, CLIP's end of text.

        The tower's own pooling takes the highest id where `eos_token_id` is 2; attention only looks back, so padding on
        the right has no effect.
        """
        device = self._weight().device
        mask_KW = mask_KW.to(device)
        states_KWC: Tensor = self.tower(input_ids=ids_KW.to(device), attention_mask=mask_KW).last_hidden_state
        return states_KWC[torch.arange(len(states_KWC), device=device), mask_KW.sum(dim=1) - 1]
