"""Replaces the shipped weights of the tiny preset.

    python -m lavida.tiny MODEL [STAGE=CURVE ...]

copies a fitted model's weights into data/model.safetensors, and learning curves of its stages (a curve.json, or the
log.jsonl of a fit) into data/curve.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lavida.modeling import Lavida
from lavida.tiny.weights import FILE, update_curves, write_weights

if __name__ == "__main__":
    update_curves({stage: Path(curve) for stage, curve in (word.split("=", 1) for word in sys.argv[2:])})
    print(f"{FILE}: {write_weights(Lavida.from_pretrained(sys.argv[1])):,} bytes")
