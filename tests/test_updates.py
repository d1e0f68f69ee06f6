"""Newer prices: proven, compared, swapped in, rolled back; from files and from a server on this machine."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from otel_llmcost.call import Call
from otel_llmcost.cli import main
from otel_llmcost.config import Config
from otel_llmcost.errors import UpdateError
from otel_llmcost.money import femto
from otel_llmcost.prices import SHIPPED, Book, load, load_book, parse_row, read_snapshot, write_snapshot
from otel_llmcost.prices.bundle import pack, unpack
from otel_llmcost.prices.compare import compare
from otel_llmcost.prices.shards import Snapshot, digest_of
from otel_llmcost.updates.offers import offer_from
from otel_llmcost.updates.silent import Refresher, refresh
from otel_llmcost.updates.sources import Proof, fetch, key_of, prove, signature_of
from otel_llmcost.updates.store import PriceStore
from otel_llmcost.upkeep import Upkeep

KEY = Ed25519PrivateKey.generate()
RAW = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
LATER = dt.date(2099, 1, 1)


def bundle(tmp_path: Path, rate: str, date: dt.date = LATER, model: str = "gpt-5", extra: str = "") -> bytes:
    """The shipped prices with one more first-party row, on another day."""
    shipped = read_snapshot(SHIPPED)
    row = parse_row({"provider": "made-up", "model": model, "rates": {"input": rate}, "note": extra})
    directory = tmp_path / f"made-{rate}-{date}-{model}"
    made = write_snapshot([row], [], directory, date=date, sources={})
    texts = {**shipped.texts, **made.texts}
    return pack(made._replace(texts=texts, digest=digest_of(texts)))


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def price_of(store: PriceStore) -> int | None:
    book = load_book(installed=store.in_force())
    return book.price(Call(provider="made-up", response_model="gpt-5", usage={"input": 10**6})).amount


class Site:
    """Serves `pages` with etags; counts the answers that had content."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.sent = 0
        self.asked = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.set()
                if self.path in outer.redirects:
                    self.send_response(302)
                    self.send_header("Location", outer.redirects[self.path])
                    self.end_headers()
                    return
                content = outer.pages.get(self.path)
                etag = f'"{sha(content)}"' if content is not None else ""
                if content is None or self.headers.get("If-None-Match") == etag:
                    self.send_response(404 if content is None else 304)
                    self.end_headers()
                    return
                outer.sent += 1
                self.send_response(200)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, content: bytes) -> str:
        self.pages = {"/prices.json": content, "/prices.json.sig": base64.b64encode(KEY.sign(content))}
        return f"{self.url}/prices.json"


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> PriceStore:
    return PriceStore(tmp_path / "prices")


def test_a_bundle_comes_back_as_it_was() -> None:
    shipped = read_snapshot(SHIPPED)
    again = unpack(pack(shipped))
    assert (again.digest, again.texts, pack(again)) == (shipped.digest, shipped.texts, pack(shipped))


def test_a_pinned_digest_is_believed_and_no_other(tmp_path: Path) -> None:
    content = bundle(tmp_path, "1")
    prove(content, Proof(sha256=sha(content).upper()))
    with pytest.raises(UpdateError, match="pinned"):
        prove(content + b" ", Proof(sha256=sha(content)))
    with pytest.raises(UpdateError, match="no proof"):
        prove(content, Proof())


def test_a_signature_of_the_named_key_is_believed_and_no_other() -> None:
    content = b"prices"
    prove(content, Proof(key=RAW, signature=KEY.sign(content)))
    other = Ed25519PrivateKey.generate().sign(content)
    for signature in (other, KEY.sign(b"other prices")):
        with pytest.raises(UpdateError, match="signature"):
            prove(content, Proof(key=RAW, signature=signature))


def test_keys_and_signatures_in_their_usual_forms() -> None:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for text in (pem, base64.b64encode(RAW), RAW.hex().encode(), base64.b64encode(RAW) + b"\n"):
        assert key_of(text) == RAW
    signature = KEY.sign(b"x")
    for text in (base64.b64encode(signature), signature.hex().encode() + b"\n"):
        assert signature_of(text) == signature
    with pytest.raises(UpdateError, match="key"):
        key_of(b"short")


def test_install_and_roll_back(tmp_path: Path, store: PriceStore) -> None:
    assert (store.in_force(), price_of(store)) == (None, None)
    for rate in ("1", "2"):
        content = bundle(tmp_path, rate)
        path = tmp_path / f"{rate}.json"
        path.write_bytes(content)
        offer = offer_from(str(path), Proof(sha256=sha(content)), store)
        assert offer is not None
        store.install(offer)
        assert price_of(store) == femto(rate)
    store.rollback()
    assert price_of(store) == femto("1")
    store.rollback()
    assert (store.in_force(), price_of(store)) == (None, None)
    with pytest.raises(UpdateError, match="no update"):
        store.rollback()


def test_older_prices_are_refused(tmp_path: Path, store: PriceStore) -> None:
    content = bundle(tmp_path, "1", dt.date(2020, 1, 1))
    (tmp_path / "old.json").write_bytes(content)
    with pytest.raises(UpdateError, match="older"):
        offer_from(str(tmp_path / "old.json"), Proof(sha256=sha(content)), store)


def test_a_damaged_installation_leaves_the_shipped_prices_in_force(tmp_path: Path, store: PriceStore) -> None:
    content = bundle(tmp_path, "1")
    (tmp_path / "b.json").write_bytes(content)
    offer = offer_from(str(tmp_path / "b.json"), Proof(sha256=sha(content)), store)
    assert offer is not None
    place = store.install(offer)
    (place / "openai.json").write_bytes(b"{}")
    book = load_book(installed=store.in_force())
    assert book.version == load_book().version
    assert "openai.json" in str(book.problems[0])


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-100],
        lambda content: content.replace(b'"format":1', b'"format":9'),
        lambda content: content.replace(b'"made-up":', b'"../made":'),
        lambda content: content.replace(b'2099-01-01"', b'../../../x"'),
        lambda content: b"",
        lambda content: b"[]",
        lambda content: b"null",
        lambda content: b"\xff\xfe",
        lambda content: b'{"format":1,"date":"2099-01-01","digest":"","pages":{"p":5}}',
        lambda content: b"[" * 100_000,
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, damage: object) -> None:
    with pytest.raises(UpdateError):
        unpack(damage(bundle(tmp_path, "1")))  # type: ignore[operator]


def test_every_row_of_a_bundle_is_checked(tmp_path: Path) -> None:
    page = b'{"provider":"p","sources":[],"aliases":[],"patterns":[],'
    page += b'"models":{"m":"[[1,{\\"rates\\":{\\"input\\":\\"-1\\"}}]]"}}'
    texts = {"p": page}
    with pytest.raises(UpdateError, match="wrong row"):
        unpack(pack(Snapshot("2099-01-01", digest_of(texts), {}, texts)))


def test_a_pattern_of_a_bundle_that_could_hang_a_call_is_refused() -> None:
    texts = {"p": b'{"provider":"p","sources":[],"aliases":[],"patterns":[["","(a+)+b","m"]],"models":{}}'}
    with pytest.raises(UpdateError, match="repeats or chooses inside"):
        unpack(pack(Snapshot("2099-01-01", digest_of(texts), {}, texts)))


@pytest.mark.parametrize(
    "address", ["http://example.com/p", "ftp://example.com/p", "file:///etc/passwd", "https://"]
)
def test_only_https_is_fetched(address: str) -> None:
    with pytest.raises(UpdateError, match="https"):
        fetch(address)


def test_a_redirect_may_not_leave_https(site: Site) -> None:
    site.redirects["/p"] = "http://example.com/p"
    with pytest.raises(UpdateError, match="https"):
        fetch(f"{site.url}/p")


def test_what_is_not_there_is_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="404"):
        fetch(f"{site.url}/absent")
    with pytest.raises(UpdateError, match="not reached"):
        fetch("http://127.0.0.1:9/p", timeout_s=5)
    with pytest.raises(UpdateError, match="cannot be read"):
        fetch(str(tmp_path / "absent.json"))


def test_changes_are_named_and_alarming_ones_marked() -> None:
    shipped = read_snapshot(SHIPPED)
    assert compare(shipped, shipped) == []
    page = shipped.texts["deepseek"]
    doubled = {**shipped.texts, "deepseek": page.replace(b'\\"1.32\\"', b'\\"9.99\\"')}
    changed = compare(shipped, type(shipped)("x", "y", {}, doubled))
    assert changed
    assert {change.provider for change in changed} == {"deepseek"}
    assert all(change.is_alarming for change in changed if str(change.after) == "9.99" and change.before)
    gone = {name: text for name, text in shipped.texts.items() if name != "deepseek"}
    assert all(
        change.is_alarming for change in compare(shipped, type(shipped)("x", "y", {}, gone)) if change.before
    )


def test_a_silent_update_installs_what_is_harmless_and_holds_what_alarms(
    tmp_path: Path, site: Site, store: PriceStore
) -> None:
    address = site.publish(bundle(tmp_path, "1"))
    assert refresh(address, RAW, store) == "installed"
    assert price_of(store) == femto("1")
    sent = site.sent
    assert refresh(address, RAW, store) == "unchanged"
    assert site.sent == sent
    site.publish(bundle(tmp_path, "2.5"))
    assert refresh(address, RAW, store) == "held"
    assert price_of(store) == femto("1")
    held = store.held()
    assert held is not None
    assert [(str(change.before), str(change.after)) for change in held.alarming] == [("1", "2.5")]
    assert refresh(address, RAW, store) == "unchanged"
    store.install(held)
    assert (price_of(store), store.held()) == (femto("2.5"), None)


def test_a_silent_update_believes_no_other_key(tmp_path: Path, site: Site, store: PriceStore) -> None:
    address = site.publish(bundle(tmp_path, "1"))
    other = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with pytest.raises(UpdateError, match="signature"):
        refresh(address, other, store)
    assert store.in_force() is None


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_LLMCOST_PRICES_DIR", str(tmp_path / "prices"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("OTEL_LLMCOST_CONFIG", raising=False)
    return tmp_path


def prices(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["prices", *arguments], input=text)


def test_update_shows_asks_swaps_and_rolls_back(place: Path) -> None:
    content = bundle(place, "1")
    (place / "new.json").write_bytes(content)
    assert prices("update", "--from", "new.json").exit_code == 1
    no = prices("update", "--from", "new.json", "--sha256", sha(content), text="n\n")
    assert (no.exit_code, "made-up" in no.output) == (1, True)
    assert prices("show", "made-up/gpt-5").exit_code == 1
    yes = prices("update", "--from", "new.json", "--sha256", sha(content), text="y\n")
    assert yes.exit_code == 0, yes.output
    assert prices("show", "gpt-5", "--provider", "made-up").exit_code == 0
    assert prices("rollback").exit_code == 0
    assert prices("show", "gpt-5", "--provider", "made-up").exit_code == 1
    assert prices("rollback").exit_code == 1


def test_update_signed_from_a_server(place: Path, site: Site) -> None:
    address = site.publish(bundle(place, "1"))
    (place / "key.pem").write_bytes(
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    done = prices("update", "--from", address, "--key", "key.pem", "--yes")
    assert done.exit_code == 0, done.output
    assert (
        prices("update", "--from", address, "--key", "key.pem", "--yes").output.rstrip().endswith("already")
    )


def test_alarming_changes_need_their_own_word(place: Path) -> None:
    for rate in ("1", "5"):
        content = bundle(place, rate)
        (place / "new.json").write_bytes(content)
        last = prices("update", "--from", "new.json", "--sha256", sha(content), "--yes")
    assert last.exit_code == 1
    assert "--accept-alarming" in last.output
    content = (place / "new.json").read_bytes()
    done = prices("update", "--from", "new.json", "--sha256", sha(content), "--yes", "--accept-alarming")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("rates", "remedy"), [(("1",), "--yes"), (("1", "5"), "--accept-alarming")], ids=["plain", "alarming"]
)
def test_where_nobody_can_be_asked_the_option_is_named(
    place: Path, rates: tuple[str, ...], remedy: str
) -> None:
    *former, last = (bundle(place, rate) for rate in rates)
    for content in former:
        (place / "new.json").write_bytes(content)
        assert prices("update", "--from", "new.json", "--sha256", sha(content), "--yes").exit_code == 0
    (place / "new.json").write_bytes(last)
    command = [str(Path(sys.executable).with_name("otel-llmcost")), "prices", "update", "--from", "new.json"]
    done = subprocess.run(
        [*command, "--sha256", sha(last)],
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, f"otel-llmcost: not confirmed; remedy: {remedy}\n")
    assert prices("show", "gpt-5", "--provider", "made-up").exit_code == (0 if former else 1)


def test_pack_diff_list_check(place: Path) -> None:
    packed = prices("pack", "here.json")
    assert packed.output.strip() == sha((place / "here.json").read_bytes())
    assert prices("diff", "--from", "here.json").output.strip() == "no difference"
    assert prices("check").exit_code == 0, prices("check").output
    listed = prices("list", "--provider", "openai", "--match", "gpt-5", "--csv")
    assert "openai,gpt-5,1.25,0.125,10," in listed.output
    shown = prices("show", "openai/gpt-5", "--time", "2026-11-22")
    assert "openai gpt-5  standard" in shown.output
    (place / "bad.toml").write_text('[[rows]]\n[[row]]\nprovider = "p"\nmodle = "m"\n')
    bad = prices("check", "bad.toml")
    assert bad.exit_code == 1
    assert "bad.toml:1: rows: unknown key; did you mean 'row'?" in bad.output
    assert "bad.toml:4: modle: unknown key; did you mean 'model'?" in bad.output
    assert "bad.toml:2: rates: the row has no price" in bad.output
    assert "3 mistakes" in bad.output


def test_the_refresher_asks_once_for_several_processes(
    tmp_path: Path, site: Site, store: PriceStore, caplog: pytest.LogCaptureFixture
) -> None:
    address = site.publish(bundle(tmp_path, "1"))
    key = base64.b64encode(RAW).decode()
    assert Refresher(address, key, store).once() == "installed"
    assert Refresher(address, key, PriceStore(store.directory)).once() == "asked lately"
    hurried = Refresher(address, key, store, every_s=0)
    assert hurried.once() == "unchanged"
    site.publish(bundle(tmp_path, "9"))
    assert [hurried.once(), hurried.once()] == ["held", "unchanged"]
    assert "--held" in caplog.text
    wrong = Refresher(f"{site.url}/absent", key, store, every_s=0)
    assert [wrong.once(), wrong.once()] == ["failed", "failed"]
    assert caplog.text.count("404") == 1
    assert Refresher(address, "no key", store, every_s=0).once() == "failed"


def test_the_refresher_runs_beside_the_program(tmp_path: Path, site: Site, store: PriceStore) -> None:
    address = site.publish(bundle(tmp_path, "1"))
    refresher = Refresher(address, base64.b64encode(RAW).decode(), store, first_s=0, every_s=3600)
    refresher.start()
    refresher.start()
    assert site.asked.wait(20)
    refresher.stop()


def test_a_running_program_prices_by_what_was_installed(
    tmp_path: Path, site: Site, store: PriceStore
) -> None:
    address = site.publish(bundle(tmp_path, "1"))
    config = Config()
    config.price_update_from, config.price_update_key = address, base64.b64encode(RAW).decode()
    config.prices_directory = store.directory
    in_force: queue.Queue[Book] = queue.Queue()
    upkeep = Upkeep(config, in_force.put, first_s=0)
    upkeep.start()
    book = in_force.get(timeout=60)
    upkeep.stop()
    call = Call(provider="made-up", request_model="gpt-5", usage={"input": 10**6}, start_ns=1)
    assert book.price(call).amount == femto("1")


def test_what_another_process_installed_is_used_too(tmp_path: Path, site: Site, store: PriceStore) -> None:
    address = site.publish(bundle(tmp_path, "1"))
    told = threading.Event()
    key = base64.b64encode(RAW).decode()
    idle = Refresher(address, key, store, changed=told.set, first_s=0, every_s=3600)
    assert Refresher(address, key, store).once() == "installed"
    idle.start()
    assert told.wait(60)
    idle.stop()
    assert site.sent == 2  # the bundle and its signature, once between the two


def test_old_prices_are_said_once_and_an_update_without_a_key_is_none(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_snapshot([], [], tmp_path / "old", date=dt.date(2020, 1, 1), sources={})
    monkeypatch.setattr(load, "SHIPPED", tmp_path / "old")
    upkeep = Upkeep(Config(), lambda _: None)
    upkeep.start()
    assert not caplog.text  # no price was asked for
    upkeep.warm("openai")
    upkeep.price(Call(provider="openai", request_model="gpt-5"))
    assert caplog.text.count("days old (2020-01-01") == 1
    config = Config()
    config.price_update_from = "https://example.com/p.json"
    Upkeep(config, lambda _: None).refresh()
    assert "without its publisher's key" in caplog.text


def test_another_book_reaches_everything_that_prices(tmp_path: Path) -> None:
    program = """
import otel_llmcost
from otel_llmcost import runtime, services
from otel_llmcost.prices import EMPTY_SNAPSHOT, Book
otel_llmcost.instrument()
made, empty = runtime.runtime(), Book(EMPTY_SNAPSHOT)
before = services.services()
made.use_book(empty)
print(all(book is empty for book in (made.book, made.settler.book, before.book, services.services().book,
                                     made.gate.ceilings.book)))
"""
    (tmp_path / "otel-llmcost.toml").write_text('[budgets.day]\namount = "1"\nwindow = "day"\n')
    environment = {
        **os.environ,
        "OTEL_LLMCOST_LEDGER": str(tmp_path / "ledger"),
        "OTEL_SDK_DISABLED": "false",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True", done.stderr
