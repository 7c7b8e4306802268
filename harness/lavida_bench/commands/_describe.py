"""Descriptions of benchmarks, metrics and scorers, as text and as plain data; and the verdict of a check."""

from __future__ import annotations

import inspect
from dataclasses import asdict

from lavida_bench.benchmarks import _base as benchmark_base
from lavida_bench.benchmarks._base import Benchmark, SplitSize
from lavida_bench.benchmarks._check import CheckReport
from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics._base import Metric
from lavida_bench.metrics._detection import DetectionCriterion
from lavida_bench.scorers import _base as scorer_base
from lavida_bench.scorers._base import ScorerInfo, ScorerKind
from lavida_gen.common import plugins
from lavida_gen.common.console import terminal_width
from lavida_gen.common.text import counted, text_table
from lavida_gen.inspection.describe import Listing, describe_options, list_footer, unusable_plugins

NEEDS = {"frames": "frame labels and scores", "pixels": "masks and pixel scores", "tracks": "tracks and regions"}
"""What a metric needs, in words."""


def benchmarks() -> Listing:
    """All benchmarks, one per line."""
    plain: dict[str, object] = {}
    rows = []
    reasons = unusable_plugins(benchmark_base.PACKAGE, Benchmark)
    for name in benchmark_base.known():
        if name in reasons:
            continue
        origin = plugins.origin(benchmark_base.PACKAGE, name)
        about = benchmark_base.find_class(name).about
        rows.append(
            (name, origin, _counts(about.expected), ", ".join(about.metrics), about.licence, about.title, about.page)
        )
        plain[name] = {
            "title": about.title, "licence": about.licence, "use": about.use, "page": about.page,
            "expected": asdict(about.expected) if about.expected else None, "metrics": about.metrics,
            "from": origin,
        }  # fmt: skip
    table = text_table(rows, ("name", "from", "expected", "metrics", "licence", "what it is", "page"), terminal_width())
    hint = "`lavida-bench benchmarks NAME` shows how to get one, its folder layout, and its options."
    return Listing(table + list_footer(reasons, hint), plain)


def _counts(size: SplitSize | None) -> str:
    if size is None:
        return ""
    return f"{size.videos} videos" + ("" if size.frames is None else f", {size.frames:,} frames")


def benchmark(name: str, allow_code: bool = False) -> Listing:
    """Describe one benchmark.

    Args:
        name: Its name, or package.module:Class with `allow_code`.
        allow_code: Whether a name of the second form may be imported.

    Returns:
        How to get it, its licence, layout and options.

    Raises:
        UserError: There is no such benchmark.
    """
    cls = benchmark_base.find_class(name, allow_code)
    about = cls.about
    expected = _all_counts(about.expected) if about.expected else "whatever is there"
    lines = [
        f"{name}: {about.title}",
        *([f"page       {about.page}"] if about.page else []),
        f"licence    {about.licence} ({about.use})",
        f"expected   {expected}",
        f"metrics    {', '.join(about.metrics)}",
        f"names      {', '.join(about.names) or 'given by each video'}",
        "", "How to get it", _indent(about.get), "", "Layout of its folder", _indent(about.layout), "",
        "Options (--set KEY=VALUE)", _indent(describe_options(cls.Options)),
    ]  # fmt: skip
    if about.unverified:
        lines += ["", "Not verified", _indent("\n".join(about.unverified))]
    if about.cite:
        lines += ["", "Cite", _indent(about.cite)]
    return Listing("\n".join(lines), {"name": name, **asdict(about), "options": cls.Options.model_json_schema()})


def _all_counts(size: SplitSize) -> str:
    counts = {"videos": size.videos, "frames": size.frames, "abnormal frames": size.abnormal_frames}
    return ", ".join(f"{number:,} {what}" for what, number in counts.items() if number is not None)


def scorers() -> Listing:
    """All kinds of scorers, one per line."""
    reasons = unusable_plugins(scorer_base.PACKAGE, ScorerKind)
    rows, plain = [], {}
    for name in scorer_base.known():
        if name in reasons:
            continue
        about, origin = scorer_base.find_class(name).about, plugins.origin(scorer_base.PACKAGE, name)
        default = about.models[0] if about.models else None
        model = f"{default.name} ({default.parameters:,} M, {default.licence})" if default else _model_of(about)
        rows.append((name, origin, ", ".join(about.outputs), model, about.title))
        plain[name] = {**asdict(about), "from": origin}
    table = text_table(rows, ("name", "from", "gives", "model", "what it is"), terminal_width())
    hint = "`lavida-bench scorers NAME` shows how its score is defined, its models and options."
    return Listing(table + list_footer(reasons, hint), plain)


def _model_of(about: ScorerInfo) -> str:
    return "yours" if about.families else "none"


def scorer(name: str, allow_code: bool = False) -> Listing:
    """Describe one kind of scorer.

    Args:
        name: Its name, or package.module:Class with `allow_code`.
        allow_code: Whether a name of the second form may be imported.

    Returns:
        How its score is defined, what it gives, models with size and licence, options.

    Raises:
        UserError: There is no such scorer.
    """
    cls = scorer_base.find_class(name, allow_code)
    about = cls.about
    definition = inspect.getdoc(inspect.getmodule(cls)) or ""
    models = [f"{model.name}: {model.parameters:,} M parameters, {model.licence}" for model in about.models]
    lines = [
        f"{name}: {about.title}",
        f"gives      {', '.join(about.outputs)}",
        f"names      {'read' if about.reads_names else 'not read'}",
        f"takes      {', '.join(about.families) or 'no model'}",
        "", _indent(definition), "", "Public models, the default first", _indent("\n".join(models) or "none"), "",
        "Options (--scorer-set KEY=VALUE)", _indent(describe_options(cls.Options)),
    ]  # fmt: skip
    tried = " --model random" if about.families and name != "lavida" else " --model tiny" if about.families else ""
    lines += ["", f"Try: lavida-bench score street --scorer {name}{tried} --out runs/{name}"]
    plain = {"name": name, **asdict(about), "definition": definition, "options": cls.Options.model_json_schema()}
    return Listing("\n".join(lines), plain)


def metrics() -> Listing:
    """All metrics, one per line."""
    reasons = unusable_plugins(metric_base.PACKAGE, Metric)
    instances = {name: metric_base.make(name) for name in metric_base.known() if name not in reasons}
    rows = [
        (name, plugins.origin(metric_base.PACKAGE, name), metric.needs, ", ".join(metric.variants), metric.about)
        for name, metric in instances.items()
    ]
    table = text_table(rows, ("name", "from", "needs", "variants", "what it is"), terminal_width())
    hint = "`lavida-bench metrics NAME` shows how one is defined."
    return Listing(
        table + list_footer(reasons, hint), {name: _plain(name, metric) for name, metric in instances.items()}
    )


def metric(name: str, allow_code: bool = False) -> Listing:
    """Describe one metric.

    Args:
        name: Its name, or package.module:Class with `allow_code`.
        allow_code: Whether a name of the second form may be imported.

    Returns:
        What it needs, its variants, unit and definition.

    Raises:
        UserError: There is no such metric.
    """
    instance = metric_base.make(name, allow_code)
    cls = type(instance)
    definition = inspect.getdoc(inspect.getmodule(cls)) or ""
    bases = [inspect.getdoc(base) or "" for base in cls.__mro__[1:] if base is not Metric and issubclass(base, Metric)]
    fixed = ", ".join(f"{key} {value}" for key, value in _fixed_parameters(cls).items())
    better = "higher" if instance.higher_is_better else "lower"
    lines = [
        f"{name}: {instance.about}",
        f"needs      {NEEDS[instance.needs]}",
        f"variants   {', '.join(instance.variants)} (the first is quoted)",
        f"unit       {instance.unit or 'a share, 0 to 1'}; {better} is better",
        *([f"fixed      {fixed}, so that numbers can be compared"] if fixed else []),
        "", _indent(definition), *(f"\n{_indent(text)}" for text in bases if text),
    ]  # fmt: skip
    return Listing("\n".join(lines), {"name": name, **_plain(name, instance), "definition": definition})


def _fixed_parameters(cls: type[Metric]) -> dict[str, object]:
    """Parameters of a metric that no option sets: arguments at their defaults, and the shape of compared regions."""
    fixed: dict[str, object] = {"shape": cls.shape} if issubclass(cls, DetectionCriterion) else {}
    for name, parameter in inspect.signature(cls).parameters.items():
        fixed[name] = parameter.default
    return fixed


def _plain(name: str, metric: Metric) -> dict[str, object]:
    return {
        "about": metric.about, "needs": metric.needs, "variants": metric.variants, "unit": metric.unit,
        "higher_is_better": metric.higher_is_better, "from": plugins.origin(metric_base.PACKAGE, name),
    }  # fmt: skip


def _indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def verdict(report: CheckReport) -> str:
    """Sum up a check.

    Args:
        report: What the check found.

    Returns:
        One line: whether the official number can be computed, and why not.
    """
    if report.official:
        expected = "as expected" if report.expected else "nothing to compare with"
        return f"{report.benchmark}: {expected}" + ("" if report.decoded else " (frames were not decoded)")
    reasons = []
    differences = [name.replace("_", " ") for name in report.differences()]
    if differences:
        reasons.append(f"{', '.join(differences)} differ")
    fatal = sum(defect.fatal for defect in report.defects)
    if fatal:
        reasons.append(counted(fatal, "fatal defect"))
    return f"{report.benchmark}: official numbers cannot be computed from this folder: {'; '.join(reasons)}"
