"""The deployment files, held to their own formats and to the product they deploy."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import jsonschema_rs
import kubernetes_validate  # type: ignore[import-untyped,unused-ignore]
import pytest
import yaml
from conftest import accepts, free_port

from adapters.bootstrap import migrate_platform
from adapters.postgres.embedded import _BIN, APP, OWNER, EmbeddedPostgres
from adapters.postgres.migrations import tenant_schema_sql
from adapters.settings import Settings
from domain.kernel.ids import TenantId

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BASE, EXAMPLE = DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "overlays" / "example"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMAGE = f"harborgrid:{PROJECT['project']['version']}"


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


class TestSettings:
    def test_every_variable_named_in_a_deployment_file_exists(self) -> None:
        files = [ROOT / "Dockerfile", ROOT / "docker-compose.yml", *DEPLOY.rglob("*"), ROOT / "docs" / "operations.md"]
        named = {v for file in files if file.is_file() for v in re.findall(r"HARBORGRID_[A-Z_]+", file.read_text())}

        assert set() == named - {f"HARBORGRID_{field.upper()}" for field in Settings.model_fields}

    @pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service["image"] == IMAGE])
    def test_a_compose_service_starts_with_values_that_are_accepted(self, name: str) -> None:
        assert settings(SERVICES[name]["environment"])

    def test_the_kubernetes_settings_are_accepted_with_the_example_secrets(self) -> None:
        secrets, owners = (assignments(EXAMPLE / f"{kind}.env.example") for kind in ("secrets", "owner-secrets"))

        assert settings(KUBERNETES_SETTINGS | secrets | owners)
        assert set() == (KUBERNETES_SETTINGS.keys() & secrets.keys()) | (secrets.keys() & owners.keys())

    def test_only_who_makes_tenants_is_the_databases_owner(self) -> None:
        name = "HARBORGRID_POSTGRES_OWNER_DSN"
        of_kubernetes = {
            pod.removeprefix("harborgrid-")
            for pod, template in PODS.items()
            for source in template["spec"]["containers"][0]["envFrom"]
            if next(iter(source.values()))["name"] == "harborgrid-owner-secrets"
        }

        assert {name} == assignments(EXAMPLE / "owner-secrets.env.example").keys()
        assert {"migrate", "worker"} == of_kubernetes
        assert of_kubernetes == {one for one, service in SERVICES.items() if name in service.get("environment", ())}


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
                asyncio.run(accepts(cluster))
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
