# The whole environment, and the workflow in it: `make image`, from the same lock as `make install`.
#   docker run --rm -v "$PWD:$PWD" -w "$PWD" xuxie snakemake --cores all      in a clone; podman takes the same
ARG BASE=docker.io/library/debian:bookworm-slim
FROM $BASE
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libgomp1 make python3.11-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/xuxie
# The packages are a layer of their own: a change of the workflow's files does not install them again.
COPY Makefile pyproject.toml ./
COPY envs envs
RUN mkdir -p scripts/xuxie && touch scripts/xuxie/__init__.py \
    && PIP_NO_CACHE_DIR=1 make install
COPY . .
ENV PATH=/opt/xuxie/.venv/bin:$PATH
CMD ["snakemake", "--help"]
