"""`make lock`: writes the hashed locks of Python packages and of Kafka's jars. No lock names an address."""

import subprocess
import sys
from pathlib import Path

from deploy.local.home import ROOT
from deploy.local.jars import write_lock

OPTIONS = ("--universal", "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--upgrade")
# In this order: each later lock takes the versions of the earlier ones.
NAMES = ("requirements", "requirements-local", "requirements-dev")


def main() -> None:
    """Write every lock."""
    uv = Path(sys.prefix) / "bin" / "uv"
    for place, name in enumerate(NAMES):
        earlier = [part for each in NAMES[:place] for part in ("-c", f"{each}.lock")]
        command = [str(uv), "pip", "compile", "--quiet", *OPTIONS, "--python-version", "3.11", *earlier]
        subprocess.run([*command, f"{name}.in", "-o", f"{name}.lock"], check=True, cwd=ROOT)
        print(f"{name}.lock written")
    print(f"jars.lock: {write_lock()} jars")


if __name__ == "__main__":
    main()
