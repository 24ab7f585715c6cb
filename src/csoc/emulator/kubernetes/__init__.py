"""Clusters that speak the Kubernetes API and behave like ones with Argo CD in them; thousands fit into one process.

The packages are layers, which `.importlinter` holds; each imports what stands below it only:

- `living`: clusters with everything that works in them
- `api`, `argocd`: what clients see over HTTP; Argo CD, which works in a cluster as controllers do
- `clusters`, `controllers`: a cluster as its API server has it; what makes its objects live
- `access`: who asks, and may they
- `objects`: how objects are written, whoever writes them
- `kinds`: which kinds there are, and what follows from the kind alone
- `store`, `users`, `pod_runtime`, `shell`, `moments`, `errors`: what all of them share
"""
