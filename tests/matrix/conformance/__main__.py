"""`python -m tests.matrix.conformance --json FILE [--sdk NAME] [--only TEXT]`: run the ways, write the cells."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """0 when no cell failed."""
    parser = argparse.ArgumentParser(prog="conformance")
    parser.add_argument("--json", type=Path, help="write the cells here")
    parser.add_argument("--sdk", help="openai or anthropic; both where it is left out")
    parser.add_argument("--only", default="", help="ways whose title contains this text")
    parser.add_argument("--surface", action="append", help="only the ways of this surface (several times)")
    asked = parser.parse_args()
    from .bench import Places, sdk_version

    places = Places()
    with tempfile.TemporaryDirectory() as ledger:
        # before anything of ours is assembled: the environment is read once
        os.environ["OTEL_LLMCOST_LEDGER"] = ledger
        os.environ["OTEL_LLMCOST_HOSTS"] = places.hosts
        from .catalogue import WAYS
        from .judge import FAILED, Judge

        judge = Judge(places)
        ways = [
            way
            for way in WAYS
            if asked.sdk in (None, way.sdk)
            and asked.only in way.title
            and (asked.surface is None or way.group in asked.surface)
        ]
        cells = judge.judge(ways)
        judge.close()
    places.close()
    failed = [cell for cell in cells if cell.result == FAILED]
    if asked.json is not None:
        versions = {sdk: ".".join(map(str, sdk_version(sdk))) for sdk in {way.sdk for way in ways}}
        document = {"versions": versions, "cells": [cell.as_json() for cell in cells]}
        asked.json.write_text(json.dumps(document), encoding="utf-8")
    for cell in failed:
        print(f"{cell.sdk} {cell.way} ({cell.mode})", *cell.problems, sep="\n    ", file=sys.stderr)
    print(f"{len(cells)} cells, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
