"""What watches the product: metrics, alerts, dashboard and the operations page, held to what the product does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import typer.main
import yaml
from conftest import free_port
from prometheus_client.metrics import MetricWrapperBase

import cli.main
from adapters.settings import Settings
from adapters.telemetry import metrics
from adapters.temporal.plugin import metrics_runtime

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
CLI = typer.main.get_command(cli.main.app)


def load(path: Path) -> Any:
    """The one YAML document in this file."""
    return yaml.safe_load(path.read_text())


SERVICES: dict[str, dict[str, Any]] = load(ROOT / "docker-compose.yml")["services"]
ALERTS = [rule for group in load(DEPLOY / "prometheus" / "alerts.yml")["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "harborgrid.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

# Seen on a worker's own endpoint (temporalio 1.35), with the labels that we use.
SDK_METRICS = {
    "temporal_workflow_failed_total": {"workflow_type"},
    "temporal_workflow_task_execution_failed_total": {"workflow_type"},
    "temporal_workflow_endtoend_latency_bucket": {"workflow_type"},
    "temporal_workflow_task_schedule_to_start_latency_bucket": {"task_queue"},
    "temporal_workflow_task_execution_latency_bucket": {"workflow_type"},
    "temporal_activity_schedule_to_start_latency_bucket": {"task_queue"},
    "temporal_activity_execution_failed_total": {"activity_type"},
    "temporal_request_latency_bucket": {"operation"},
    "temporal_worker_task_slots_used": {"worker_type"},
    "temporal_worker_task_slots_available": {"worker_type"},
}
PROMETHEUS_METRICS: dict[str, set[str]] = {"up": set(), "ALERTS": {"alertstate"}}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def product_metrics() -> Iterator[tuple[str, str, set[str]]]:
    """Documented name, series name and labels of everything the product exports."""
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            for family in metric.describe():
                documented = f"{family.name}_total" if family.type == "counter" else family.name
                for suffix in SUFFIXES[family.type]:
                    yield documented, family.name + suffix, set(metric._labelnames)


KNOWN_METRICS = SDK_METRICS | PROMETHEUS_METRICS | {series: labels for _, series, labels in product_metrics()}


class Query:
    """The metrics that a PromQL expression reads, and every label that it speaks of."""

    def __init__(self, text: str) -> None:
        self.metrics: set[str] = set()
        self.labels: set[str] = set()
        promql_parser.walk(promql_parser.parse(text), self._visit)

    def _visit(self, node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name is not None
            self.metrics.add(node.name)
            self.labels |= {matcher.name for matcher in node.matchers.matchers}
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            self.labels |= set(node.modifier.labels)

    def unknown(self) -> set[str]:
        """The metrics that nobody exports, and the labels that none of the metrics has."""
        known = {"le", "job", "instance"}.union(*(KNOWN_METRICS.get(metric, set()) for metric in self.metrics))
        return (self.metrics - KNOWN_METRICS.keys()) | (self.labels - known)


def anchors(markdown: str) -> set[str]:
    """The fragments that lead to this page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class TestPrometheus:
    def test_it_scrapes_services_at_the_ports_they_listen_on(self) -> None:
        jobs = {job["job_name"]: job for job in load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
        targets = {name: job["dns_sd_configs"][0] for name, job in jobs.items() if "dns_sd_configs" in job}
        fields = Settings.model_fields

        assert {target["names"][0] for target in targets.values()} <= SERVICES.keys()
        assert targets["harborgrid-api"]["port"] == fields["api_port"].default
        assert targets["harborgrid-worker"]["port"] == fields["worker_metrics_port"].default
        assert targets["harborgrid-worker-sdk"]["port"] == fields["worker_sdk_metrics_port"].default
        assert SERVICES["temporal"]["environment"]["PROMETHEUS_ENDPOINT"].endswith(
            f":{targets['temporal-server']['port']}"
        )

    @pytest.mark.parametrize("alert", ALERTS, ids=[rule["alert"] for rule in ALERTS])
    def test_an_alert_reads_metrics_that_exist_and_leads_to_its_runbook(self, alert: dict[str, Any]) -> None:
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")

        assert set() == Query(alert["expr"]).unknown()
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description", "runbook_url"} == alert["annotations"].keys()
        assert ("docs/operations.md", alert["alert"].lower()) == (page, anchor)
        assert anchor in anchors(OPERATIONS)

    @pytest.mark.parametrize(
        ("label", "value"),
        [
            ("outcome", "failed"),
            ("state", "used"),
            ("state", "limit"),
        ],
    )
    def test_a_label_value_that_an_alert_waits_for_is_set_by_the_product(self, label: str, value: str) -> None:
        product = "".join(file.read_text() for layer in ("adapters", "worker") for file in (ROOT / layer).rglob("*.py"))

        assert any(f'{label}="{value}"' in alert["expr"] for alert in ALERTS)
        assert f'.labels("{value}")' in product

    def test_the_workers_sdk_counts_under_the_names_that_the_alerts_know(self) -> None:
        port = free_port()
        runtime = metrics_runtime(Settings(worker_sdk_metrics_port=port))
        assert runtime is not None
        runtime.metric_meter.create_counter("probe").add(1)

        assert "probe_total{" in httpx.get(f"http://127.0.0.1:{port}/metrics").text

    def test_alerts_know_the_jobs_by_their_names(self) -> None:
        jobs = {job["job_name"] for job in load(DEPLOY / "prometheus" / "prometheus.yml")["scrape_configs"]}
        text = json.dumps([ALERTS, DASHBOARD]).replace("\\", "")

        assert set(re.findall(r'job="([\w-]+)"', text)) <= jobs

    @pytest.mark.parametrize("name", [rule["alert"] for rule in ALERTS])
    def test_an_alert_is_tested_firing_and_silent(self, name: str) -> None:
        outcomes = set()
        for case in load(DEPLOY / "prometheus" / "alerts_test.yml")["tests"]:
            outcomes |= {bool(t["exp_alerts"]) for t in case.get("alert_rule_test", []) if t["alertname"] == name}
            outcomes |= {bool(t["exp_samples"]) for t in case.get("promql_expr_test", []) if name in t["expr"]}

        assert {True, False} == outcomes

    @pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus, not with PyPI")
    def test_the_rules_pass_their_unit_tests(self) -> None:
        subprocess.run(["promtool", "test", "rules", DEPLOY / "prometheus" / "alerts_test.yml"], check=True)


class TestDashboard:
    @pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
    def test_a_panel_says_what_it_shows_of_metrics_that_exist(self, panel: dict[str, Any]) -> None:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "5m").replace("$quantile", "95")

            assert set() == Query(query).unknown()
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]

    def test_panels_have_their_own_ids_and_places(self) -> None:
        everything = DASHBOARD["panels"]

        assert len(everything) == len({panel["id"] for panel in everything})
        assert all(0 <= panel["gridPos"]["x"] <= 24 - panel["gridPos"]["w"] for panel in everything)
        for one, other in combinations(everything, 2):
            a, b = one["gridPos"], other["gridPos"]
            apart = (
                a["x"] + a["w"] <= b["x"]
                or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"]
                or b["y"] + b["h"] <= a["y"]
            )
            assert apart, (one["title"], other["title"])

    def test_every_variable_is_declared_and_used(self) -> None:
        declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
        used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(DASHBOARD["panels"])))

        assert declared == used

    def test_the_data_source_it_opens_with_is_provisioned(self) -> None:
        sources = load(DEPLOY / "grafana" / "provisioning" / "datasources" / "harborgrid.yml")["datasources"]
        opens_with = next(v for v in DASHBOARD["templating"]["list"] if v["type"] == "datasource")["current"]["value"]

        assert opens_with in {source["uid"] for source in sources}
        assert {re.split(r"[/:]+", source["url"])[1] for source in sources} <= SERVICES.keys()


class TestOperationsPage:
    def test_it_explains_every_metric_that_the_product_exports(self) -> None:
        assert set() == {name for name, _, _ in product_metrics()} - set(
            re.findall(r"^\| `(\w+)`", OPERATIONS, re.MULTILINE)
        )

    def test_it_speaks_of_commands_that_exist(self) -> None:
        spoken = re.findall(r"(?<!--namespace )\bharborgrid (events [a-z]+|[a-z]+(?:-[a-z]+)*)(?=[ `|\n])", OPERATIONS)

        assert set() == {line for line in spoken if not _is_command(line.split())}

    def test_its_own_links_and_paths_lead_somewhere(self) -> None:
        links = set(re.findall(r"\]\(#([\w-]+)\)", OPERATIONS))
        paths = set(re.findall(r"\bdeploy/[\w./-]+\w", OPERATIONS))

        assert set() == links - anchors(OPERATIONS)
        assert [path for path in paths if not (ROOT / path).exists()] == []


def _is_command(words: list[str]) -> bool:
    """Whether the `harborgrid` command has this command, or this command of a group."""
    command: Any = CLI
    for word in words:
        command = getattr(command, "commands", {}).get(word)
    return command is not None
