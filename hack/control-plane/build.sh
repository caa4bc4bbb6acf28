#!/usr/bin/env bash
# Builds the programs of a real Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler,
# kubectl, kwok) once, and prints the folder that holds them. About 7 minutes on 2 cores; nothing when they are there.
# The folder lies outside the clone and is named after the versions: ~/.cache/seaworthy/control-plane/VERSIONS.
#
# Environment: KUBEBUILDER_ASSETS (a folder that is used as it is when complete), SEAWORTHY_CONTROL_PLANE (where to build).
# Exit codes: 0 the folder is printed, 3 Go is missing, anything else is Go's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok)
complete() {
    for program in "${programs[@]}"; do [ -x "$1/$program" ] || return 1; done
    [ -d "$1/stages" ]
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ] && complete "$KUBEBUILDER_ASSETS"; then
    echo "$KUBEBUILDER_ASSETS"
    exit 0
fi

version() { awk -v module="$1" '$1 == module && $2 ~ /^v/ { print $2; exit }' "$here/go.mod"; }
kubernetes=$(version k8s.io/kubernetes) etcd=$(version go.etcd.io/etcd/server/v3) kwok=$(version sigs.k8s.io/kwok)
target=${SEAWORTHY_CONTROL_PLANE:-${XDG_CACHE_HOME:-$HOME/.cache}/seaworthy/control-plane/kubernetes-$kubernetes-etcd-$etcd-kwok-$kwok}
if complete "$target"; then
    echo "$target"
    exit 0
fi

if ! command -v go >/dev/null; then
    cat >&2 <<'MISSING'
error: the control plane for tests is not built, and Go is missing
hint: install Go 1.26 or later (https://go.dev/dl) and run this again, or point KUBEBUILDER_ASSETS at a folder with etcd,
      kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok and kwok's stages/
MISSING
    exit 3
fi

echo "building the control plane into $target (some minutes, once)" >&2
mkdir -p "$target"
# Another build of the same folder is waited for, and then nothing is left to do.
exec 9>"$target/.lock"
flock 9
if complete "$target"; then
    echo "$target"
    exit 0
fi
# Built beside and moved: a build that was ended half-way is never taken for a whole one.
building=$(mktemp -d "$target/.building.XXXXXX")
trap 'rm -rf "$building"' EXIT
cd "$here"
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes" -o "$building/" \
    k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager \
    k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes/cmd/kubectl \
    go.etcd.io/etcd/server/v3 sigs.k8s.io/kwok/cmd/kwok >&2
# etcd's program is called after its folder, which is "server" or "v3" by the version of Go.
for name in server v3; do [ -f "$building/$name" ] && mv "$building/$name" "$building/etcd"; done
stages=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
mkdir -p "$building/stages"
for stage in node/fast/node-initialize pod/fast/pod-ready pod/fast/pod-complete pod/fast/pod-delete; do
    install -m 644 "$stages/$stage.yaml" "$building/stages/$(basename "$stage").yaml"
done
mv "$building"/stages "$target/"
for program in "${programs[@]}"; do mv "$building/$program" "$target/$program"; done
echo "$target"
