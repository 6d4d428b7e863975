"""xuxie (续写): from a raw novel to a LoRA that continues it in its own voice."""

import os

# OpenMP reads it once, when torch is imported. A thread that waits for another lets go of its core: with other work on the
# machine, threads that spin keep each other from running and a model is several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
