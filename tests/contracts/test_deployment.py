"""The deployment files, held to their own formats and to the product they deploy."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import jsonschema_rs
import kubernetes_validate  # type: ignore[import-untyped,unused-ignore]
import promql_parser
import pytest
import typer.main
import yaml
from prometheus_client.metrics import MetricWrapperBase

import cli.main
from adapters.bootstrap import migrate_platform
from adapters.postgres.embedded import _BIN, APP, OWNER, EmbeddedPostgres
from adapters.postgres.migrations import tenant_schema_sql
from adapters.settings import Settings
from adapters.telemetry import metrics
from adapters.temporal.plugin import metrics_runtime
from domain.kernel.ids import TenantId

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BASE, EXAMPLE = DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "overlays" / "example"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMAGE = f"harborgrid:{PROJECT['project']['version']}"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
CLI = typer.main.get_command(cli.main.app)


def load(path: Path) -> Any:
    """The one YAML document in this file."""
    return yaml.safe_load(path.read_text())


def assignments(path: Path) -> dict[str, str]:
    """What a file of `NAME=value` lines says."""
    lines = (line for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def settings(environment: dict[str, str]) -> Settings:
    """The settings of a process with these variables. Raises ValidationError."""
    values: dict[str, Any] = {name.removeprefix("HARBORGRID_").lower(): value for name, value in environment.items()}
    return Settings(**values)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def anchors(markdown: str) -> set[str]:
    """The fragments that lead to this page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


COMPOSE = load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOTS = {name for name, service in SERVICES.items() if service["restart"].startswith("on-failure")}
MANIFESTS: list[dict[str, Any]] = [
    manifest
    for name in load(BASE / "kustomization.yaml")["resources"]
    for manifest in yaml.safe_load_all((BASE / name).read_text())
]
PODS = {m["metadata"]["name"]: m["spec"]["template"] for m in MANIFESTS if m["kind"] in {"Deployment", "Job"}}
KUBERNETES_SETTINGS = assignments(BASE / "settings.env")
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


class TestSettings:
    def test_every_variable_named_in_a_deployment_file_exists(self) -> None:
        files = [ROOT / "Dockerfile", ROOT / "docker-compose.yml", *DEPLOY.rglob("*"), ROOT / "docs" / "operations.md"]
        named = {v for file in files if file.is_file() for v in re.findall(r"HARBORGRID_[A-Z_]+", file.read_text())}

        assert set() == named - {f"HARBORGRID_{field.upper()}" for field in Settings.model_fields}

    @pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service["image"] == IMAGE])
    def test_a_compose_service_starts_with_values_that_are_accepted(self, name: str) -> None:
        assert settings(SERVICES[name]["environment"])

    def test_the_kubernetes_settings_are_accepted_with_the_example_secrets(self) -> None:
        secrets = assignments(EXAMPLE / "secrets.env.example")

        assert settings(KUBERNETES_SETTINGS | secrets)
        assert set() == KUBERNETES_SETTINGS.keys() & secrets.keys()


class TestDockerfile:
    TEXT = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    FINAL = dict(re.findall(r"^([A-Z]+) (.+)$", TEXT[TEXT.rindex("\nFROM ") :], re.MULTILINE))

    def test_hadolint_has_nothing_to_say(self) -> None:
        hadolint = Path(sys.executable).with_name("hadolint")
        lint = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

        assert (lint.returncode, lint.stdout) == (0, "")

    def test_it_runs_the_command_as_nobody_special_and_stops_on_sigterm(self) -> None:
        final = self.FINAL

        assert (final["ENTRYPOINT"], final["CMD"], final["STOPSIGNAL"]) == ('["harborgrid"]', '["api"]', "SIGTERM")
        assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", final["USER"])
        assert "/livez" in final["HEALTHCHECK"]

    def test_only_locked_and_hashed_wheels_are_installed(self) -> None:
        installs = re.findall(r"pip install ([^&\n]+)", self.TEXT)

        assert [line.strip() for line in installs] == [
            "--require-hashes --only-binary=:all: --requirement requirements.lock",
            "--no-deps --no-build-isolation .",
        ]
        assert not re.search(r"apt-get|build-essential|gcc", self.TEXT)

    def test_it_ships_every_package_of_the_project_and_the_build_may_see_them(self) -> None:
        packages = {p.rstrip("*") for p in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
        copied = {source.rstrip("/") for source in re.findall(r"^COPY ([^-\s]\S*)", self.TEXT, re.MULTILINE)}
        admitted = {
            line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
        }

        assert packages | {"pyproject.toml", "requirements.lock"} == copied == admitted

    def test_its_version_is_the_projects(self) -> None:
        assert f"ARG VERSION={PROJECT['project']['version']}\n" in self.TEXT


class TestCompose:
    def test_it_is_valid_by_the_compose_specification(self) -> None:
        vendor = resources.files("check_jsonschema.builtin_schemas.vendor")
        schema = json.loads(vendor.joinpath("compose-spec.json").read_text())

        assert [
            f"{error.instance_path}: {error.message}"
            for error in jsonschema_rs.validator_for(schema).iter_errors(COMPOSE)
        ] == []

    @pytest.mark.parametrize("name", SERVICES)
    def test_a_service_is_pinned_limited_and_restarted(self, name: str) -> None:
        service = SERVICES[name]

        assert re.fullmatch(r"[\w./-]+:v?\d+(\.\d+)+[\w.-]*", service["image"])
        assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
        assert "no-new-privileges:true" in service["security_opt"]
        assert name in ONE_SHOTS or service["restart"] == "unless-stopped"

    @pytest.mark.parametrize("name", [name for name in SERVICES if name not in ONE_SHOTS])
    def test_what_keeps_running_says_how_it_is(self, name: str) -> None:
        assert {"test", "interval", "timeout", "retries", "start_period"} <= SERVICES[name]["healthcheck"].keys()

    @pytest.mark.parametrize("name", SERVICES)
    def test_a_service_waits_for_what_can_happen(self, name: str) -> None:
        for dependency, how in SERVICES[name].get("depends_on", {}).items():
            ends = dependency in ONE_SHOTS

            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy")

    @pytest.mark.parametrize("kind", ["networks", "volumes", "secrets"])
    def test_everything_declared_is_used_and_everything_used_is_declared(self, kind: str) -> None:
        used = {str(use).split(":")[0] for service in SERVICES.values() for use in service.get(kind, [])}

        assert set(COMPOSE[kind]) == {use for use in used if not use.startswith(".")}

    def test_every_mounted_file_is_there(self) -> None:
        mounted = {use.split(":")[0] for service in SERVICES.values() for use in service.get("volumes", [])}

        assert [path for path in mounted if path.startswith(".") and not (ROOT / path).exists()] == []

    def test_ports_are_opened_once_and_to_this_machine_only(self) -> None:
        opened = [port.rsplit(":", 1)[0] for service in SERVICES.values() for port in service.get("ports", [])]

        assert {1} == set(Counter(opened).values())
        assert all(port.startswith("127.0.0.1:") for port in opened)

    def test_no_secret_stands_in_it_and_each_is_asked_for_in_the_example(self) -> None:
        text = (ROOT / "docker-compose.yml").read_text()
        secret = re.findall(r"(?:PASSWORD|PWD|SECRET|TOKEN|--pass)\w*[:=] ?(.+)|://\w+:(.+?)@", text)

        assert all("".join(value).startswith("${") for value in secret)
        assert set(re.findall(r"\$\{(\w+):\?", text)) == assignments(DEPLOY / ".env.example").keys()
        assert set(re.findall(r"\$\{(\w+)", text)) == assignments(DEPLOY / ".env.example").keys()

    def test_the_product_runs_one_image_read_only_without_capabilities(self) -> None:
        ours = {name: service for name, service in SERVICES.items() if service["image"] == IMAGE}

        assert {"api", "worker", "migrate", "mailbox"} == ours.keys()
        for name, service in ours.items():
            assert (service["command"], service["read_only"], service["cap_drop"]) == ([name], True, ["ALL"])

    def test_a_stopping_worker_is_given_longer_than_it_takes(self) -> None:
        worker = SERVICES["worker"]

        assert (
            int(worker["stop_grace_period"].rstrip("s")) > settings(worker["environment"]).worker_shutdown_grace_seconds
        )

    def test_temporal_reads_the_dynamic_configuration_that_is_mounted(self) -> None:
        temporal = SERVICES["temporal"]
        source, target, _ = temporal["volumes"][0].split(":")

        assert temporal["environment"]["DYNAMIC_CONFIG_FILE_PATH"] == target
        assert load(ROOT / source)["matching.enableFairness"] == [{"value": True}]

    def test_grafana_finds_its_dashboard_where_it_is_mounted(self) -> None:
        targets = {mount.split(":")[1]: mount.split(":")[0] for mount in SERVICES["grafana"]["volumes"]}
        provider = load(DEPLOY / "grafana" / "provisioning" / "dashboards" / "harborgrid.yml")["providers"][0]

        assert (ROOT / targets[provider["options"]["path"]] / "harborgrid.json").exists()


class TestPostgresInit:
    PASSWORDS = {"POSTGRES_OWNER_PASSWORD": "o'wner", "POSTGRES_APP_PASSWORD": "app", "TEMPORAL_DATABASE_PASSWORD": "t"}

    @pytest.fixture
    def port(self, tmp_path: Path) -> Iterator[int]:
        """Where a fresh cluster listens on which init.sh was run, as the image runs it."""
        tmp_path.chmod(0o755)
        port = free_port()
        cluster = EmbeddedPostgres(tmp_path / "cluster", port, tmp_path / "secrets", durable=False)
        cluster.prepare()
        environment = (
            os.environ | self.PASSWORDS | {"POSTGRES_USER": "postgres", "PGPASSWORD": cluster.password("postgres")}
        )
        environment |= {"PATH": f"{_BIN}:{os.environ['PATH']}", "PGHOST": "127.0.0.1", "PGPORT": str(port)}
        with subprocess.Popen(cluster.command(), user=cluster.user(), stderr=subprocess.DEVNULL) as server:
            try:
                until = time.monotonic() + 20
                while subprocess.run([_BIN / "pg_isready", "-q"], env=environment, check=False).returncode:
                    assert time.monotonic() < until
                    time.sleep(0.05)
                subprocess.run(
                    ["bash", DEPLOY / "postgres" / "init.sh"], env=environment, check=True, capture_output=True
                )
                yield port
            finally:
                server.send_signal(signal.SIGINT)

    async def test_the_owner_can_migrate_and_the_application_can_become_a_tenant_and_no_more(self, port: int) -> None:
        await migrate_platform(f"postgresql://{OWNER}:o%27wner@127.0.0.1:{port}/harborgrid")
        owner, app = [
            await asyncpg.connect(host="127.0.0.1", port=port, user=user, password=password, database="harborgrid")
            for user, password in ((OWNER, "o'wner"), (APP, "app"))
        ]
        tenant = TenantId.of(UUID(int=1))
        await owner.execute(tenant_schema_sql(tenant, APP))

        await app.execute(f'SET ROLE "hg_{tenant}"; RESET ROLE')
        assert await app.fetchval("SELECT pg_has_role(current_user, 'pg_monitor', 'USAGE')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE SCHEMA two")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(host="127.0.0.1", port=port, user=APP, password="app", database="temporal")
        await owner.close()
        await app.close()


class TestKubernetes:
    @pytest.mark.parametrize("manifest", MANIFESTS, ids=[f"{m['kind']} {m['metadata']['name']}" for m in MANIFESTS])
    def test_a_manifest_is_valid_and_names_no_namespace(self, manifest: dict[str, Any]) -> None:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)

        assert "namespace" not in manifest["metadata"]

    @pytest.mark.parametrize("name", PODS)
    def test_a_pod_is_confined_and_limited(self, name: str) -> None:
        pod = PODS[name]["spec"]
        (container,) = pod["containers"]

        assert pod["securityContext"]["runAsNonRoot"]
        assert f"USER {pod['securityContext']['runAsUser']}:" in TestDockerfile.TEXT
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} == container["resources"]["limits"].keys() == container["resources"]["requests"].keys()
        assert (container["image"], container["args"]) == (IMAGE, [name.removeprefix("harborgrid-")])

    @pytest.mark.parametrize("name", PODS)
    def test_a_pod_mounts_what_is_declared_and_reads_what_the_example_makes(self, name: str) -> None:
        pod = PODS[name]["spec"]
        container = pod["containers"][0]
        made = {
            one["name"]
            for kind in ("configMapGenerator", "secretGenerator")
            for one in load(EXAMPLE / "kustomization.yaml")[kind]
        }
        claims = {m["metadata"]["name"] for m in MANIFESTS if m["kind"] == "PersistentVolumeClaim"}

        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        assert {next(iter(source.values()))["name"] for source in container["envFrom"]} <= made
        assert {v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v} <= made
        assert {
            v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v
        } <= claims

    def test_every_selector_finds_pods(self) -> None:
        labels = [pod["metadata"]["labels"].items() for pod in PODS.values()]
        for manifest in MANIFESTS:
            spec = manifest.get("spec", {})
            selector = spec.get("podSelector") or spec.get("selector") or {}

            assert any(selector.get("matchLabels", selector).items() <= pod for pod in labels), manifest["metadata"]

    def test_the_autoscaler_scales_the_api(self) -> None:
        (scaler,) = [m for m in MANIFESTS if m["kind"] == "HorizontalPodAutoscaler"]

        assert scaler["spec"]["scaleTargetRef"]["name"] in PODS
        assert 2 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]

    def test_probes_ask_what_answers(self) -> None:
        api, worker = (PODS[f"harborgrid-{name}"]["spec"]["containers"][0] for name in ("api", "worker"))
        configured = settings(KUBERNETES_SETTINGS)

        assert tuple(api[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")) == (
            "/livez",
            "/readyz",
        )
        assert [configured.api_port] == [port["containerPort"] for port in api["ports"]]
        assert [configured.worker_metrics_port, configured.worker_sdk_metrics_port] == [
            port["containerPort"] for port in worker["ports"]
        ]
        for container in (api, worker):
            names = {port["name"] for port in container["ports"]}
            assert {probe["httpGet"]["port"] for key, probe in container.items() if key.endswith("Probe")} <= names

    def test_a_stopping_worker_is_given_longer_than_it_takes(self) -> None:
        grace = PODS["harborgrid-worker"]["spec"]["terminationGracePeriodSeconds"]

        assert grace > settings(KUBERNETES_SETTINGS).worker_shutdown_grace_seconds

    def test_the_network_is_open_for_every_listening_port_and_every_dependency(self) -> None:
        opened: dict[str, set[int]] = defaultdict(set)
        for policy in (m["spec"] for m in MANIFESTS if m["kind"] == "NetworkPolicy"):
            for direction in ("ingress", "egress"):
                opened[direction] |= {port["port"] for rule in policy.get(direction, []) for port in rule["ports"]}
        listening = {
            port["containerPort"] for pod in PODS.values() for port in pod["spec"]["containers"][0].get("ports", [])
        }
        written = KUBERNETES_SETTINGS | assignments(EXAMPLE / "secrets.env.example")
        dependencies = {int(port) for value in written.values() for port in re.findall(r":(\d+)(?:/|$)", value)}

        assert opened["ingress"] == listening
        assert dependencies | {int(written["HARBORGRID_SMTP_PORT"]), 53} == opened["egress"]


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
