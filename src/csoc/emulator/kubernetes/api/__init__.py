"""The Kubernetes API over HTTP: from a request to its answer. It knows clusters, not what makes them live."""
