import sys
from pathlib import Path

HERE = Path(__file__).parent
# The pack is a program of its own: the engine puts its folder first on the path, and so do its tests.
sys.path[:0] = [str(HERE.parents[1] / "policies"), str(HERE)]
