//go:build tools

// Package helm pins the helm command, the oracle that the project's own rendering is compared with.
package helm

import _ "helm.sh/helm/v3/cmd/helm"
