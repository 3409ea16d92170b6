"""Python runs this first in every process that a test starts: Keras and TensorFlow do not find what they look for and do without.

That they import it where it is installed takes much of their start, and tests start many processes. Whoever else imports it finds it.
"""

import os
import sys

OPTIONAL = {"jax", "matplotlib", "pandas", "sklearn"} - {os.environ.get("KERAS_BACKEND")}


class _Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        """Of `sys.meta_path`: no module while either is being imported."""
        specs = (getattr(sys.modules.get(importing), "__spec__", None) for importing in ("keras", "tensorflow"))
        if name in OPTIONAL and any(getattr(spec, "_initializing", False) for spec in specs):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _Hidden)
