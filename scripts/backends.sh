#!/bin/sh
# Builds the real backends that `make e2e` starts, into the git-ignored folder .backends/bin.
#   scripts/backends.sh            build what is missing (about 8 minutes cold on two cores)
#   scripts/backends.sh --list     say what is there, build nothing
# What the compiler says is in .backends/build.log.
# Needs Go; without it the script names the containers of the same versions and ends with 3.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/backends.versions"
bin="$top/.backends/bin"
src="$top/.backends/src"
nice=$(command -v nice || true)
# One compiler at a time unless told otherwise: a laptop stays usable, a small CI machine stays in memory.
# -buildvcs=false: the copied sources lie inside this repository, whose commit is not theirs.
export GOFLAGS="${BACKENDS_GOFLAGS:--p=1} -buildvcs=false -modcacherw" GOWORK=off

say() { printf '%s\n' "$*"; }
built() { [ -e "$bin/$1" ] && [ "$(cat "$bin/.$1.version" 2>/dev/null)" = "$2" ]; }
stamp() { printf '%s' "$2" > "$bin/.$1.version"; }

log="$top/.backends/build.log"
# Runs a build quietly; a failure shows the end of its log.
quietly() {
    "$@" >> "$log" 2>&1 || { say "failed: $*"; tail -n 20 "$log"; exit 1; }
}

list() {
    for name in otelcol-llmcost prometheus promtool jaeger alertmanager amtool; do
        if [ -x "$bin/$name" ]; then say "found    $name $(cat "$bin/.$name.version" 2>/dev/null)"
        else say "missing  $name"; fi
    done
}

without_go() {
    cat <<TEXT
Go is not installed, so nothing can be built here. The same versions as containers
(docker-compose.yaml starts them all, provisioned: docker compose up):
  otel/opentelemetry-collector-contrib:${COLLECTOR_VERSION#v}
  prom/prometheus:$PROMETHEUS_RELEASE
  jaegertracing/jaeger:$JAEGER_RELEASE
  prom/alertmanager:$ALERTMANAGER_VERSION
  grafana/grafana:$GRAFANA_RELEASE
or as binaries from the projects' release pages; put them into .backends/bin under the names
  otelcol-llmcost prometheus promtool jaeger alertmanager amtool
TEXT
}

# The sources of a module, writable, in $src/<name>: `go install` refuses modules with replace lines.
fetch() {
    name=$1 module=$2 version=$3
    dir=$(cd "$src" && go mod download -json "$module@$version" 2>> "$log" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    rm -rf "${src:?}/$name"
    cp -R "$dir" "$src/$name"
    chmod -R u+w "$src/$name"
    rm -f "$src/$name/go.work"
}

build_collector() {
    manifest="$top/collector-config/ocb.yaml"
    version="$COLLECTOR_VERSION+$(cksum < "$manifest" | cut -d' ' -f1)"
    built otelcol-llmcost "$version" && return
    say "collector $COLLECTOR_VERSION: building"
    export GOBIN="$bin"
    quietly $nice go install "go.opentelemetry.io/collector/cmd/builder@$COLLECTOR_VERSION"
    (cd "$src" && quietly $nice "$bin/builder" --config="$manifest")
    mv "$src/otelcol-llmcost/otelcol-llmcost" "$bin/otelcol-llmcost"
    stamp otelcol-llmcost "$version"
}

build_prometheus() {
    built prometheus "$PROMETHEUS_RELEASE" && built promtool "$PROMETHEUS_RELEASE" && return
    say "Prometheus $PROMETHEUS_RELEASE: building"
    fetch prometheus github.com/prometheus/prometheus "$PROMETHEUS_MODULE_VERSION"
    # Without the service discovery of every cloud it builds in a third of the time.
    (cd "$src/prometheus" && quietly $nice go build -tags remove_all_sd -o "$bin/" ./cmd/prometheus ./cmd/promtool)
    stamp prometheus "$PROMETHEUS_RELEASE"; stamp promtool "$PROMETHEUS_RELEASE"
}

build_jaeger() {
    built jaeger "$JAEGER_RELEASE" && return
    say "Jaeger $JAEGER_RELEASE: building"
    fetch jaeger github.com/jaegertracing/jaeger "$JAEGER_MODULE_VERSION"
    (cd "$src/jaeger" && quietly $nice go build -o "$bin/" ./cmd/jaeger)
    stamp jaeger "$JAEGER_RELEASE"
}

build_alertmanager() {
    built alertmanager "$ALERTMANAGER_VERSION" && built amtool "$ALERTMANAGER_VERSION" && return
    say "Alertmanager $ALERTMANAGER_VERSION: building"
    fetch alertmanager github.com/prometheus/alertmanager "$ALERTMANAGER_VERSION"
    # The module ships without its built web page; the server embeds whatever stands here.
    mkdir -p "$src/alertmanager/ui/app/dist"
    printf '<!doctype html><title>Alertmanager</title>' > "$src/alertmanager/ui/app/dist/index.html"
    (cd "$src/alertmanager" && quietly $nice go build -o "$bin/" ./cmd/alertmanager ./cmd/amtool)
    stamp alertmanager "$ALERTMANAGER_VERSION"; stamp amtool "$ALERTMANAGER_VERSION"
}

# No program: the schema that docker-compose.yaml is checked against where no engine is at hand.
copy_compose_schema() {
    built compose-spec.json "$COMPOSE_MODULE_VERSION" && return
    fetch compose github.com/compose-spec/compose-go/v2 "$COMPOSE_MODULE_VERSION"
    cp "$src/compose/schema/compose-spec.json" "$bin/compose-spec.json"
    stamp compose-spec.json "$COMPOSE_MODULE_VERSION"
}

if [ "${1:-}" = "--list" ]; then list; exit 0; fi
if ! command -v go > /dev/null; then without_go; exit 3; fi
mkdir -p "$bin" "$src"
: > "$log"
[ -f "$src/go.mod" ] || printf 'module backends\n\ngo 1.24\n' > "$src/go.mod"
build_alertmanager
build_collector
build_prometheus
build_jaeger
copy_compose_schema
rm -rf "${src:?}"
list
