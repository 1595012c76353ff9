# One image for every process: `api`, `worker`, `migrate` and `mailbox` are its commands.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/harborgrid
ENV PATH=/opt/harborgrid/bin:${PATH}

# Dependencies first: they change less often than the code. Wheels only, so nothing is compiled here.
COPY requirements.lock ./
RUN pip install --require-hashes --only-binary=:all: --requirement requirements.lock

COPY pyproject.toml ./
COPY domain/ domain/
COPY analytics/ analytics/
COPY activities/ activities/
COPY workflows/ workflows/
COPY adapters/ adapters/
COPY api/ api/
COPY worker/ worker/
COPY cli/ cli/
RUN pip install --no-deps --no-build-isolation . \
    && pip check \
    && pip uninstall --yes pip


FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="HarborGrid" \
      org.opencontainers.image.description="Enterprise SaaS platform: API, Temporal worker, migrations and mail catcher" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The base image's own pip is the last tool that could install something.
RUN pip uninstall --yes pip setuptools wheel \
    && groupadd --system --gid 10001 harborgrid \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin harborgrid \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data /data/objects /data/lake

COPY --from=build /opt/harborgrid /opt/harborgrid

# A container listens on its own address, and keeps what must last under /data; /tmp is scratch.
ENV PATH=/opt/harborgrid/bin:${PATH} \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HARBORGRID_API_HOST=0.0.0.0 \
    HARBORGRID_DATA_DIR=/tmp/harborgrid \
    HARBORGRID_OBJECT_STORE_DIR=/data/objects \
    HARBORGRID_LAKE_DIR=/data/lake

USER 10001:10001
WORKDIR /tmp
EXPOSE 8080 9464 9465
STOPSIGNAL SIGTERM
# Right for `api`; whoever runs another command states that command's own check.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('HARBORGRID_API_PORT', '8080') + '/livez', timeout=3)"]
ENTRYPOINT ["harborgrid"]
CMD ["api"]
