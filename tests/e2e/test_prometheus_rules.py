"""Rules and alerts: checked and tested by promtool, and one alert that arrives at a real Alertmanager."""

from __future__ import annotations

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..acceptance.conftest import World
from .real_parts import PROMETHEUS, ROOT, Parts, binary, get, until


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [str(binary("promtool")), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_and_configuration_are_valid() -> None:
    promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    assert "9 rules found" in promtool("check", "rules", str(PROMETHEUS / "rules" / "alerts.yml"))


def test_rules_do_what_they_say() -> None:
    files = sorted((PROMETHEUS / "tests").glob("*.yml"))
    assert len(files) == 4
    promtool("test", "rules", *map(str, files))


def test_every_alert_is_tested() -> None:
    alerts = [
        line.split()[-1]
        for line in (PROMETHEUS / "rules" / "alerts.yml").read_text().splitlines()
        if line.strip().startswith("- alert:")
    ]
    tested = "".join(file.read_text() for file in (PROMETHEUS / "tests").glob("*.yml"))
    assert [alert for alert in alerts if f"alertname: {alert}" not in tested] == []


def test_alertmanager_configuration_is_valid() -> None:
    done = subprocess.run(
        [str(binary("amtool")), "check-config", str(ROOT / "deploy" / "alertmanager.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


PROGRAM = """
    import openai

    ai = openai.OpenAI()
    for _ in range(2):
        ai.chat.completions.create(model="nobody-knows-this", messages=[{"role": "user", "content": "hi"}])
"""


def test_an_alert_arrives(parts: Parts, apps: World, tmp_path: Path) -> None:
    """A real program, a model without a price, the shipped rule (its wait shortened), Alertmanager, a webhook."""
    received: list[dict[str, object]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "alertmanager.yml"
    text = (ROOT / "deploy" / "alertmanager.yml").read_text().replace("group_wait: 30s", "group_wait: 0s")
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    config.write_text(text + f'    webhook_configs:\n      - url: "{url}"\n')
    rules = tmp_path / "rules"
    rules.mkdir()
    for file in (PROMETHEUS / "rules").glob("*.yml"):
        shipped = file.read_text()
        (rules / file.name).write_text(
            shipped.replace("for: 5m", "for: 1s").replace("interval: 1m", "interval: 1s")
        )
    try:
        manager = parts.alertmanager(config)
        address = manager.environment["ADDRESS"]
        prometheus = parts.prometheus(alertmanager=address, rules=rules)
        agent = parts.collector("agent.yaml", LLMCOST_METRICS_ENDPOINT=prometheus.otlp)
        apps.run(PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=agent.http, OTEL_SERVICE_NAME="shop")
        until("the alert at the webhook", lambda: received, 60)
        alerts = get(f"http://{address}/api/v2/alerts")
    finally:
        server.shutdown()
    assert isinstance(alerts, list)
    assert [alert["labels"]["alertname"] for alert in alerts] == ["LLMUnpricedCalls"]
    (alert,) = received[0]["alerts"]  # type: ignore[misc]
    assert alert["labels"]["service_name"] == "shop"
    assert "2 calls of shop" in alert["annotations"]["summary"]
