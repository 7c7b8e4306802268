"""Replaces the shipped weights of the tiny preset.

    python -m lavida.tiny MODEL [STAGE=CURVE ...]

copies a fitted model's weights into data/model.safetensors, what they were fitted on into data/fitted_on.json, and
learning curves of its stages (a curve.json, or the log.jsonl of a fit) into data/curve.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lavida.modeling import Lavida
from lavida.parts import fitted_on
from lavida.tiny.weights import FILE, FOLDER, update_curves, write_weights

if __name__ == "__main__":
    update_curves({stage: Path(curve) for stage, curve in (word.split("=", 1) for word in sys.argv[2:])})
    fitted = Lavida.from_pretrained(sys.argv[1])
    fitted_on.write(FOLDER, fitted.fitted_on)
    print(f"{FILE}: {write_weights(fitted):,} bytes")
