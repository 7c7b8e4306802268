"""Features of anomaly names: what a CLIP text tower says at the end of each name alone, cached while it is frozen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

CACHED_NAMES = 100_000
"""Names that the cache holds: 512 float32 values each, 200 MB."""


class NameEncoder(nn.Module):
    """Text tower with a memory. `encode` gives (K, W) features for K names.

    Nothing is cached while the tower trains. The cache knows names by their tokens and is dropped when the tower's
    weights are loaded, moved or cast.
    """

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower = tower
        self._cache: dict[tuple[int, ...], Tensor] = {}
        self._state: tuple[Any, ...] = ()

    def forward(self, ids_KW: Tensor, mask_KW: Tensor) -> Tensor:
        """Features of K names, (K, C) in the tower's dtype; ids and mask (K, W) int64, padded on the right."""
        weight = self.tower.embeddings.token_embedding.weight
        if weight.requires_grad:
            return self._run(ids_KW, mask_KW)
        version = (weight.data_ptr(), weight._version, weight.dtype, weight.device)
        if version != self._state or len(self._cache) > CACHED_NAMES:
            self._cache, self._state = {}, version
        keys = [tuple(row[real].tolist()) for row, real in zip(ids_KW.cpu(), mask_KW.cpu().bool(), strict=True)]
        new = {key: number for number, key in enumerate(keys) if key not in self._cache}
        if new:
            rows = list(new.values())
            with torch.inference_mode(False), torch.no_grad():
                self._cache.update(zip(new, self._run(ids_KW[rows], mask_KW[rows]).unbind(), strict=True))
        return torch.stack([self._cache[key] for key in keys])

    def _run(self, ids_KW: Tensor, mask_KW: Tensor) -> Tensor:
        """At the last real token, CLIP's end of text: the tower's own pooling takes the highest id where `eos_token_id`
        is 2, and attention looks back only.
        """
        device = self.tower.embeddings.token_embedding.weight.device
        mask_KW = mask_KW.to(device)
        states_KWC: Tensor = self.tower(input_ids=ids_KW.to(device), attention_mask=mask_KW).last_hidden_state
        return states_KWC[torch.arange(len(states_KWC), device=device), mask_KW.sum(dim=1) - 1]
