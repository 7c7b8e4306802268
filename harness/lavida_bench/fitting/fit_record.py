"""The entry of a model's fitted_on.json for one fit: its corpora, their data sets, drawn or photographed."""

from __future__ import annotations

from lavida.parts.fitted_on import FittedCorpus, FittedSource, PastFit, shorten_text
from lavida_bench.config.recipe import RunRecipe
from lavida_bench.fitting.checkpoint import Progress
from lavida_gen.common import plugins
from lavida_gen.config.recipe import SOURCES
from lavida_gen.corpus.manifest import Manifest, SourceEntry
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.scenes.evidence import Pictures
from lavida_gen.sources._base import Source


def fitted_corpora(recipe: RunRecipe) -> tuple[FittedCorpus, ...]:
    """Describe the corpora of a recipe.

    Args:
        recipe: Recipe with `data`.

    Returns:
        One entry for each of its `data`, with its share of the samples.

    Raises:
        UserError: There is no such corpus.
        DataError: A manifest is damaged.
    """
    weights = [entry.weight for entry in recipe.data]
    manifests = [open_corpus(entry.corpus).manifest for entry in recipe.data]
    return tuple(_corpus(manifest, weight / sum(weights)) for manifest, weight in zip(manifests, weights, strict=True))


def past_fit(recipe: RunRecipe, corpora: tuple[FittedCorpus, ...], progress: Progress) -> PastFit:
    """Describe a fit whose weights are saved.

    Args:
        recipe: Recipe of the fit.
        corpora: What it is fitted on.
        progress: How far it came; the best weights, if any were kept, are those that are saved.
    """
    assert recipe.fit is not None
    steps = progress.best_step or progress.step
    samples = steps * progress.batch * recipe.fit.accumulation
    return PastFit(recipe=shorten_text(recipe.name), steps=steps, samples=samples, corpora=corpora)


def _corpus(manifest: Manifest, share: float) -> FittedCorpus:
    return FittedCorpus(
        name=shorten_text(manifest.name),
        digest=shorten_text(manifest.digest),
        generator=shorten_text(manifest.generator),
        share=share,
        sources=tuple(_source(entry) for entry in manifest.sources if entry.samples),
    )


def _source(entry: SourceEntry) -> FittedSource:
    return FittedSource(
        name=shorten_text(entry.name),
        licence=shorten_text(entry.licence),
        use=entry.use,
        pictures=_pictures(entry),
        samples=entry.samples,
    )


def _pictures(entry: SourceEntry) -> Pictures:
    """As the corpus states; an older one does not, but the sources of this package are known."""
    if entry.pictures == "unknown" and entry.name in plugins.built_in(SOURCES):
        return plugins.find(SOURCES, Source, entry.name).about.pictures
    return entry.pictures
