"""Writes the dashboards of grafana/dashboards from their code (`make dashboards`); `--check` only compares.

Needs grafana-foundation-sdk 0.0.12 (a development dependency).
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / "dashboards"


def rendered() -> dict[Path, str]:
    """File -> its JSON."""
    sys.path.insert(0, str(HERE))
    from boards import BOARDS
    from grafana_foundation_sdk.cog.encoder import JSONEncoder

    encoder = JSONEncoder(sort_keys=True, indent=1)
    return {FOLDER / f"{name}.json": encoder.encode(make().build()) + "\n" for name, make in BOARDS.items()}


def main(arguments: list[str]) -> int:
    texts = rendered()
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            sys.stdout.write(f"{path.name} is not what its code says; remedy: make dashboards" + "\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        path.write_text(texts[path])
        sys.stdout.write(path.name + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
