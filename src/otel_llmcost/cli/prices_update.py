"""`otel-llmcost prices update`, `rollback` and `pack`."""

from __future__ import annotations

from pathlib import Path

import click

from ..assembly import open_price_store
from ..config import load_config
from ..errors import UpdateError
from ..prices.bundle import pack
from ..updates.offers import offer_from
from ..updates.sources import Proof, fetch, key_of, signature_of
from ..updates.store import Offer, PriceStore
from .consent import confirmed
from .price_changes import print_changes
from .tables import console


@click.command("update")
@click.option("--from", "source", default="", metavar="URL|FILE", help="The bundle of prices.")
@click.option("--held", is_flag=True, help="Use the update that waits for confirmation, instead of --from.")
@click.option("--sha256", default="", metavar="HEX", help="The bundle's digest, as published.")
@click.option(
    "--key", "key_file", type=click.Path(exists=True, path_type=Path), help="The publisher's Ed25519 key."
)
@click.option(
    "--signature", default="", metavar="URL|FILE", help="Its signature; default: the source plus .sig."
)
@click.option("--yes", is_flag=True, help="Do not ask, unless a change is alarming.")
@click.option(
    "--accept-alarming",
    is_flag=True,
    help="Accept prices that vanish, become zero or change more than twofold.",
)
def update(
    source: str,
    held: bool,
    sha256: str,
    key_file: Path | None,
    signature: str,
    yes: bool,
    accept_alarming: bool,
) -> None:
    """Put newer prices in force, after checking a pinned digest or a signature and showing the changes.

    `otel-llmcost prices rollback` undoes it.
    """
    store = open_price_store(load_config())
    if held == bool(source):
        raise click.UsageError("give either --from URL or FILE, or --held")
    offer = store.held() if held else offer_from(source, _proof(source, sha256, key_file, signature), store)
    if offer is None:
        raise UpdateError("no update is waiting")
    if offer.snapshot.digest == store.snapshot().digest:
        console().print(f"these prices, of {offer.snapshot.date}, are in force already")
        return
    print_changes(offer.changes)
    _confirm(offer, yes, accept_alarming)
    store.install(offer)
    console().print(f"prices of {offer.snapshot.date} are in force from the next start of each program on")


def _proof(source: str, sha256: str, key_file: Path | None, signature: str) -> Proof:
    if key_file is None:
        return Proof(sha256=sha256)
    signed = fetch(signature or f"{source}.sig").content or b""
    return Proof(sha256, key_of(key_file.read_bytes()), signature_of(signed))


def _confirm(offer: Offer, yes: bool, accept_alarming: bool) -> None:
    alarming = len(offer.alarming)
    if alarming and not accept_alarming:
        question = f"prices that vanish, become zero or move over twofold: {alarming}. Accept?"
        if yes or not confirmed(question, "--accept-alarming"):
            raise UpdateError(
                f"alarming changes: {alarming}; nothing was changed (remedy: --accept-alarming)"
            )
    elif not yes and not confirmed(f"changes: {len(offer.changes)}. Put them in force?", "--yes"):
        raise UpdateError("nothing was changed")


@click.command("rollback")
def rollback() -> None:
    """Undo the latest update: put the prices before it in force again."""
    store: PriceStore = open_price_store(load_config())
    store.rollback()
    console().print(f"prices of {store.snapshot().date} are in force from the next start of each program on")


@click.command("pack")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def pack_command(file: Path) -> None:
    """Write the prices in force to FILE, a bundle for `prices update --from`, and print its digest."""
    import hashlib

    content = pack(open_price_store(load_config()).snapshot())
    file.write_bytes(content)
    click.echo(hashlib.sha256(content).hexdigest())
