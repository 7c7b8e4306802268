"""Contract tests of sources, exposures and engines, for packages of your own. They need no test framework.

    from lavida_gen.testing import check_exposure, check_source

    def test_boats(tmp_path):
        draw_three_boats(tmp_path)              # a few small files in the layout that the source reads
        check_source(Boats, tmp_path)

    def test_upside_down():
        check_exposure(UpsideDown)

Each check raises AssertionError with a sentence that names what does not hold. The tests of this repository call the
same functions for every source, exposure and engine in it.
"""

from lavida_gen.testing.engines import check_engine
from lavida_gen.testing.exposures import check_exposure
from lavida_gen.testing.sources import check_source

__all__ = ["check_engine", "check_exposure", "check_source"]
