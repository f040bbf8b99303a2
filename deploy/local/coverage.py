"""Closes `make test`: branch coverage of what must be covered, with its threshold."""

import subprocess
import sys

from deploy.local.home import ROOT

COVERED = ("shared/*", "services/*/domain/*", "services/*/usecases/*")
# Percent of lines and branches together.
THRESHOLD = 95


def main() -> int:
    """Combine what the test processes wrote, print the gaps, and fail below the threshold."""
    tool = [sys.executable, "-m", "coverage"]
    subprocess.run([*tool, "combine", "--quiet"], check=False, cwd=ROOT)
    included = f"--include={','.join(COVERED)}"
    report = [*tool, "report", included, "--skip-covered", "--skip-empty", f"--fail-under={THRESHOLD}"]
    return subprocess.run(report, check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
