"""Names of plug-ins in recipes: an entry that names code exists only where the user has allowed code.

class Entry(StrictModel):
    benchmark: Annotated[str, plugin_name("lavida_bench.benchmarks")]

Entry.model_validate({"benchmark": "my_package.harbour:Harbour"}, context=permission(allow_code=True))
"""

from __future__ import annotations

from pydantic import AfterValidator, ValidationInfo

from lavida_gen.common.plugins import refuse_code


def permission(allow_code: bool) -> dict[str, bool]:
    """The context of a validation.

    Args:
        allow_code: Whether ``package.module:Class`` may be named.
    """
    return {"allow_code": allow_code}


def plugin_name(package: str) -> AfterValidator:
    """A validator that refuses ``package.module:Class`` unless the context of the validation allows code.

    Args:
        package: The family of plug-ins, e.g. ``lavida_gen.sources``.
    """

    def check(name: str, info: ValidationInfo) -> str:
        refuse_code(package, name, bool((info.context or {}).get("allow_code")))
        return name

    return AfterValidator(check)
