"""Every verb of both commands where optional packages are missing: it works, or prints one sentence with the pip line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lavida_bench.cli import main as lavida_bench
from lavida_gen.cli import main as lavida_gen
from lavida_gen.common import extras

OPTIONAL = sorted({*extras._WORDS, "sklearn", "torchvision", "httpx"})
HF = "sources=[{name: hf, repo: someone/masks, image: image, mask: mask, names: [floor, dog]}]"
NOTHING = "nothing that is missing here is needed, but there are no such files"
STREET = ["--recipe", "street", "--set", "samples=2"]

GEN: list[tuple[list[str], str]] = [
    (["build", *STREET, "--set", HF, "--out", "a"], "'lavida-gen[hub]'"),
    (["build", *STREET, "--engine", "ray", "--out", "b"], "'lavida-gen[ray]'"),
    (["build", *STREET, "--set", "augmentations=[rain]", "--out", "c"], "'lavida-gen[augment]'"),
    (["build", *STREET, "--out", "s3://bucket/corpus"], "s3fs"),
    (["check", *STREET, "--set", HF], "'lavida-gen[hub]'"),
    (["exposures"], ""),
    (["merge", "s3://bucket/corpus"], "s3fs"),
    (["preview", "s3://bucket/corpus", "--out", "p.html"], "s3fs"),
    (["publish", "s3://bucket/corpus", "--repo", "someone/corpus"], "s3fs"),
    (["recipes"], ""),
    (["show", "gs://bucket/corpus", "7"], "gcsfs"),
    (["sources"], ""),
    (["stats", "az://box/corpus"], "adlfs"),
    (["stats", "sftp://host/corpus"], "paramiko"),
    (["verify", "hf://datasets/someone/corpus"], "'lavida-gen[hub]'"),
    (["verify", "https://127.0.0.1:1/corpus"], "'fsspec[http]'"),
]
BENCH: list[tuple[list[str], str]] = [
    (["ablate", "--recipe", "exposures", "--out", "a"], "'lavida-gen[bench]'"),
    (["benchmarks"], ""),
    (["check", "avenue", "--root", "nowhere"], NOTHING),
    (["compare", "one", "other"], NOTHING),
    (["fit", "--recipe", "demo", "--out", "b"], "'lavida-gen[bench]'"),
    (["leaderboard", "ucsd_ped2"], ""),
    (["metrics"], ""),
    (["predict", "walk.mp4", "--names", "dog", "--model", "tiny", "--out", "c"], "'lavida-gen[bench]'"),
    (["recipes"], ""),
    (["labels", "make", "avenue", "--root", "nowhere"], NOTHING),
    (["report", "one"], NOTHING),
    (["run", "--recipe", "demo", "--out", "d"], "'lavida-gen[bench]'"),
    (["score", "street", "--model", "tiny", "--out", "e"], "'lavida-gen[bench]'"),
    (["score", "street", "--scorer", "clip", "--out", "e"], "'lavida-gen[bench]'"),
    (["scorers"], "'lavida-gen[bench]'"),
    (["score-files", "-b", "avenue", "--scores", "nowhere", "--out", "f"], NOTHING),
]
WINDOWS = [
    ("lavida_gen", GEN[0][0]),
    ("lavida_gen", ["stats", "corpus"]),
    ("lavida_bench", ["compare", "one", "other"]),
]


def outcomes(cases: list[tuple[str, list[str], list[str]]], folder: Path) -> list[tuple[int, str]]:
    """Exit codes and texts of commands with blocked modules, run in a folder."""
    script = Path(__file__).parent / "blocked_verbs.py"
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    return [(code, text) for code, text in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("command", "group", "cases"), [("lavida_gen", lavida_gen, GEN), ("lavida_bench", lavida_bench, BENCH)]
)
def test_one_sentence(command: str, group: Any, cases: list[tuple[list[str], str]], tmp_path: Path) -> None:
    assert {words[0] for words, _ in cases} == set(group.list_commands(None)), "every verb has a case"
    (tmp_path / "walk.mp4").write_bytes(b"video")
    found = outcomes([(command, words, OPTIONAL) for words, _ in cases], tmp_path)
    for (words, package), (code, text) in zip(cases, found, strict=True):
        place = f"{command} {' '.join(words)}: {text}"
        assert "Traceback" not in text, place
        if package == NOTHING:
            assert code in (1, 2), place
            assert "pip install" not in text, place
        elif package:
            assert code in (1, 2), place
            assert f"pip install {package}" in text, place
            assert len(re.findall("pip install", text)) == 1, place
        else:
            assert code == 0, place


def test_windows_is_one_sentence(tmp_path: Path) -> None:
    """The group refuses before it looks for the verb, so that verbs need no case each."""
    found = outcomes([(name, words, ["fcntl"]) for name, words in WINDOWS], tmp_path)
    for words, outcome in zip(WINDOWS, found, strict=True):
        assert outcome == (2, f"error: {extras.WINDOWS}\n"), words
    assert not list(tmp_path.iterdir())
