"""What makes the objects of a simulated cluster live: controllers, a scheduler and a kubelet.

Controllers are functions of (cluster, key): they read what is there and write what should be, and keep nothing. They
are woken by changes of the store through a queue on the timeline, so a cluster in which nothing happens costs nothing.

Where to look:

- `table` lists the controllers; `cluster` is what each is handed, `settings` what a test or a demonstration can set
- workloads: `deployments`, `replicasets`, `statefulsets`, `daemonsets`, `jobs`, `cronjobs`, with `replicas` in common
- pods: `scheduling` and `fitting`; `kubelet`, `container_lives`, `references`, `podstatus`; what goes wrong, `causes`;
  what clients see of them in `runtime` and `logs`
- External Secrets: `secrets_operator`, `secret_stores`, `external_secrets` with `secret_reading` and `secret_writing`,
  `push_secrets`
- the rest is one module a controller, named by what it keeps
"""
