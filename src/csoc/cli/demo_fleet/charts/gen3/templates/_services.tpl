{{/*
What each service is made of: names, ports, images of its jobs, what its pods ask for. One entry a service, found by its
name; _service.tpl says what the words mean. A key of the values stands where it decides something.
*/}}
{{- define "gen3.about" }}
{{- $name := .Chart.Name }}
{{- $fence := .Values.global.fence_container_image | default "quay.io/cdis/fence:master" }}
{{- $helper := .Values.global.awshelper_container_image | default "quay.io/cdis/awshelper:master" }}
{{- if eq $name "access-backend" }}
{budget: false, account: access-backend-sa, serve: {access-backend-service: [http 80 http]},
  pods: [{name: access-backend-deployment, port: 80, probe: /_status, asks: [access-backend-g3auto/,
  access-backend-kv*]}],
  secrets: {
    access-backend-g3auto: {at: accessBackendG3auto, switch: createK8sAccessBackendSecret, both: true,
      shape: properties, keys: [dbcreds.json, access-backend.env, user.yaml], made: [access-backend.env,
      base64Authz.txt]},
    access-backend-kv: {at: accessBackendKv, switch: createK8sAccessBackendSecret, both: true, shape: object,
      keys: [DEBUG]}}}
{{- else if eq $name "ambassador" }}
{account: ambassador, alwaysAccount: true, serve: {ambassador-service: [proxy 80 http],
  ambassador-admin: [ambassador-admin 8877 8877]}, pods: [{name: ambassador-deployment, port: 8080,
  probe: /ambassador/v0/check_ready}],
  objects: [
    {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole,
      metadata: {name: ambassador-{{ .Release.Namespace }}}, rules: []}]}
{{- else if eq $name "arborist" }}
{account: arborist-sa, database: true, serve: {arborist-service: [http 80 http]},
  pods: [
    {name: arborist-deployment, port: 8080, probe: /health, asks: ["@arborist", "arborist-dbcreds:port"]},
{{- if (.Values.cronjob | default dict).enabled }}
    {name: arborist-rm-expired-access, schedule: "*/5 * * * *", asks: ["@arborist", "arborist-dbcreds:port"]},
{{- end }}
  ]}
{{- else if eq $name "argo-wrapper" }}
{serve: {argo-wrapper-service: [http 8000 8000]}, pods: [{name: argo-wrapper-deployment, port: 8000,
  probe: /test, volumes: [~manifest-argo]}],
  config: {manifest-argo: {argo.json: {{ pick .Values "scalingGroups" "s3Bucket" "internalS3Bucket" "indexdAdminUser" "environment" "pvc" | toJson | toJson }}}}}
{{- else if eq $name "audit" }}
{scale: [], account: audit-service-sa, database: true, serve: {audit-service: [http 80 http]},
  pods: [{name: audit-deployment, port: 80, probe: /_status, init: {audit-init: ""}, asks: [audit-g3auto/, "@audit"]},
  {{- with .Values.auditServiceExport }}{{ if .enabled }}
    {name: audit-service-export, schedule: "{{ .schedule }}", account: audit-service-export-job,
      containers: {audit-export: "{{ .image.repository }}:{{ .image.tag }}"},
      asks: ["audit-export-oidc-client:client_id", "audit-export-oidc-client:client_secret"]},
  {{- end }}{{ end }}
  ],
  {{- if .Values.auditServiceExport.enabled }} accounts: {audit-service-export-job: {}},{{ end }}
  secrets: {audit-g3auto: {at: auditG3auto, switch: createK8sAuditSecret, shape: whole,
  keys: [audit-service-config.yaml], text: {{ toYaml .Values.server | toJson }}}}}
{{- else if eq $name "cedar" }}
{app: cedar, accounts: {cedar-secrets: {}}, serve: {cedar-wrapper-service: [http 80 8000, https 443 8000]},
  secrets: {cedar-g3auto: {at: cedarG3auto, switch: createCedarClientSecret, shape: whole,
  each: {cedar_api_key.txt: [cedarAPIKey, cedar-api-key], directory_id.txt: [cedarDirectoryId, cedar-directory-id]},
  keys: [cedar_client_credentials.json, cedar_api_key.txt, directory_id.txt], made: [cedar_api_key.txt,
  directory_id.txt]}},
  pods: [
    {name: cedar-wrapper-deployment, port: 8000, probe: /_status/, containers: {cedar-wrapper: ""},
      asks: [cedar-wrapper-config/, "cedar-g3auto:cedar_api_key.txt", ~privacy-policy]},
{{- if .Values.externalSecrets.createCedarClientSecret }}
    {name: cedar-client-job, kind: Job, account: cedar-secrets, init: {wait-for-fence: "quay.io/curl/curl:latest"},
      containers: {fence-client: "{{ $fence }}", kubectl: "bitnami/kubectl:latest"},
      asks: [fence-config/, "%fence"]},
{{- end }}
    {name: cedar-ingestion, schedule: "0 8,15 * * *", app: cedar,
      init: {cedar: "{{ $helper }}"},
      containers: {awshelper: "{{ $helper }}"}, asks: [cedar-g3auto/,
      "cedar-g3auto:cedar_client_credentials.json", "cedar-g3auto:directory_id.txt", "slack-webhook:slack_webhook?"]}]}
{{- else if eq $name "cohort-middleware" }}
{account: {{ .Release.Name }}-cohort-middleware, serve: {cohort-middleware-service: [http 80 http]},
  pods: [{name: cohort-middleware-deployment, account: {{ .Values.serviceAccount.name | default "default" }},
  port: 8080, probe: /_health, asks: [cohort-middleware-g3auto/]}],
  secrets: {cohort-middleware-g3auto: {at: cohortMiddlewareG3Auto, switch: createK8sCohortMiddlewareSecret,
  shape: properties, keys: [development.yaml], text: {{ toYaml (.Values.config | default dict) | toJson }}}}}
{{- else if eq $name "dashboard" }}
{budget: false, account: dashboard-sa, serve: {dashboard: [http 80 4000]}, pods: [{name: dashboard-deployment,
  port: 4000, probe: /, init: {dashboard-sync: quay.io/cdis/awshelper}, volumes: [dashboard-g3auto/]}],
  secrets: {dashboard-g3auto: {never: true, keys: [config.json],
  text: {{ toJson .Values.dashboardConfig | toJson }}}}}
{{- else if eq $name "data-upload-cron" }}
{scale: [], budget: false, account: {{ .Release.Name }}-data-upload-cron,
  pods: [{name: {{ .Release.Name }}-data-upload-cron, schedule: "*/15 * * * *",
  suspend: {{ .Values.suspend | default false }},
  account: {{ .Values.serviceAccount.name | default (printf "%s-data-upload-cron" .Release.Name) }},
  asks: ["{{ .Values.awsCredsSecret.secretName }}:aws_access_key_id",
  "{{ .Values.awsCredsSecret.secretName }}:aws_secret_access_key"]}], config: {current-state: {last_run: ""},
  pending-state: {pending: ""}}}
{{- else if eq $name "datareplicate" }}
{scale: [], budget: false, accounts: {aws-batch-replicate-job: {{ toJson .Values.batchServiceAccount.annotations }},
  aws-bucket-replicate-job: {{ toJson .Values.replicateServiceAccount.annotations }},
  google-bucket-replicate-job: {{ toJson .Values.replicateServiceAccount.annotations }}},
  pods: [
    {name: aws-batch-replicate, schedule: "*/30 * * * *", account: aws-batch-replicate-job,
      containers: {aws-bucket-replicate: "quay.io/cdis/gdc_copy:master"}, asks: [dcf-aws-creds-secret/,
      dcf-dataservice-settings-secrets/]},
    {name: aws-bucket-replicate, schedule: "*/30 * * * *", account: aws-bucket-replicate-job,
      asks: [dcf-aws-creds-secret/, dcf-dataservice-settings-secrets/]},
    {name: google-bucket-replicate, schedule: "*/30 * * * *", account: google-bucket-replicate-job,
      asks: [dcf-dataservice-settings-secrets/, google-creds-secret/]},
    {name: remove-objects-from-clouds, schedule: "*/30 * * * *", asks: [dcf-dataservice-settings-secrets/,
      fence-bot-aws-creds/, google-creds-secret/]},
    {name: replicate-validation, schedule: "*/30 * * * *", asks: [dcf-dataservice-settings-secrets/,
      fence-bot-aws-creds/, google-creds-secret/]}],
{{- if .Values.externalSecrets.deploy }}
  secrets: {
    dcf-aws-creds-secret: {at: awsCredsSecret, remote: aws-creds-secret, outside: true, always: true, shape: whole,
      keys: [credentials]},
    dcf-dataservice-settings-secrets: {at: dcfDataserviceSettingsSecret, outside: true, always: true, shape: whole,
      keys: [dcf-dataservice-settings-secrets], api: external-secrets.io/v1beta1},
    google-creds-secret: {at: googleCredsSecret, outside: true, always: true, shape: whole,
      keys: [google-creds-secret]}},
{{- end }}
}
{{- else if eq $name "dicom-server" }}
{database: true, serve: {dicom-server-service: [https 80 8042]}, pods: [{name: dicom-server-deployment,
  port: 8042, probe: /system, asks: ["@dicom-server?"], volumes: [orthanc-g3auto/]}],
  secrets: {
    orthanc-g3auto: {at: orthancG3Auto, switch: createK8sOrthancS3G3auto, always: true,
      outside: {{ and .Values.global.externalSecrets.deploy (not .Values.externalSecrets.createK8sOrthancG3auto) }},
      shape: whole, keys: [orthanc_config_overwrites.json]}}}
{{- else if eq $name "embedding-management-service" }}
{scale: [], budget: false, account: {{ .Release.Name }}-embedding-management-service, database: true,
  serve: {embedding-management-service: [http 80 http]},
  pods: [{name: {{ .Release.Name }}-embedding-management-service, port: 8000, probe: /_status,
  asks: ["%embedding-management-service"], volumes: [~ems-config]}],
  secrets: {ems-g3auto: {switch: createK8sMetadataSecret, local: true, keys: [base64Authz.txt,
  ems.env]}}, config: {ems-config: {config.json: {{ toJson .Values.embeddingsConfig | toJson }}}}}
{{- else if eq $name "etl" }}
{scale: [], budget: false, accounts: {gitops-sa: {}},
  config: {etl-mapping: {etlMapping.yaml: {{ toYaml .Values.etlMapping | toJson }}, server: {{ .Values.esEndpoint | toJson }}}},
  pods: [
    {name: etl-cronjob, schedule: "*/30 * * * *", suspend: {{ .Values.suspendCronjob }},
      containers: {gen3-spark: "{{ .Values.image.spark.repository }}:{{ .Values.image.spark.tag }}",
      tube: "{{ .Values.image.tube.repository }}:{{ .Values.image.tube.tag }}"}, asks: ["%sheepdog",
      "sheepdog-dbcreds:port", "slack-webhook:slack_webhook?", ~etl-mapping, "~fence?", ~useryaml]},
    {name: es-garbage, schedule: "0 0 * * *", account: gitops-sa,
      containers: {awshelper: "{{ $helper }}"}, asks: ["slack-webhook:slack_webhook?"]}]}
{{- else if eq $name "fence" }}
{{- $sync := .Values.usersync.usersync }}
{{- $keys := ternary .Values.global.aws.useLocalSecret.localSecretName "fence-aws-config" (eq true .Values.global.aws.useLocalSecret.enabled) }}
{account: fence-sa, database: true, scale: [fence, presigned-url-fence], serve: {fence-service: [http 80 http],
  presigned-url-fence-service: [http 80 http]},
  accounts: { {{- if $sync }}usersync-job: {}, {{ end }}
    {{- if .Values.FENCE_CONFIG.ENABLE_VISA_UPDATE_CRON }}fence-visa-update-job: {}{{ end -}} },
  pods: [
    {name: fence-deployment, port: 80, probe: /_status, init: {fence-init: ""}, env: &env ["@fence",
      "indexd-service-creds:fence"], volumes: &volumes [fence-config/, fence-creds/, fence-google-app-creds-secret/,
      fence-google-storage-creds-secret/, "fence-json-secret/?", fence-jwt-keys/, fence-secret/, ~logo-config,
      ~privacy-policy, ~fence-yaml-merge, "~manifest-fence?"]},
    {name: presigned-url-fence-deployment, app: presigned-url-fence, containers: {presigned-url-fence: ""},
      port: 80, probe: /_status, env: *env, volumes: *volumes},
    {name: fence-db-migrate-cronjob, schedule: "0 0 31 2 *", env: *env, volumes: *volumes},
    {name: fence-delete-expired-clients, schedule: "*/5 * * * *", asks: [fence-config/, ~fence-yaml-merge,
      "slack-webhook:slack_webhook?"], env: *env},
{{- if .Values.FENCE_CONFIG.ENABLE_VISA_UPDATE_CRON }}
    {name: fence-visa-update, schedule: "*/30 * * * *", account: fence-visa-update-job, env: *env,
      asks: [fence-config/, fence-google-app-creds-secret/, fence-google-storage-creds-secret/,
      "slack-webhook:slack_webhook?", ~fence-yaml-merge]},
    {name: fence-cleanup-expired-ga4gh-info, schedule: "*/30 * * * *", account: fence-visa-update-job, asks: [fence-config/, ~fence-yaml-merge],
      env: *env},
{{- end }}
{{- if $sync }}
    {name: usersync, schedule: "{{ .Values.usersync.schedule }}", account: usersync-job,
      init: {wait-for-fence: "quay.io/curl/curl:latest",
        awshelper: "{{ .Values.usersync.custom_image | default "quay.io/cdis/awshelper:master" }}"},
      containers: {usersync: ""}, asks: [fence-config/, fence-creds/, fence-google-app-creds-secret/,
      fence-google-storage-creds-secret/, "fence-ssh-keys/?", "{{ $keys }}/?", "slack-webhook:slack_webhook?", ~useryaml], env: *env},
{{- else }}
    {name: useryaml, kind: Job, asks: [fence-config/, ~useryaml], env: *env},
{{- end }}
  ],
  secrets: {
    fence-config: {at: fenceConfig, switch: createK8sFenceConfigSecret, shape: whole, keys: [fence-config.yaml],
      text: {{ toYaml .Values.FENCE_CONFIG | toJson }}},
    fence-jwt-keys: {at: fenceJwtKeys, switch: createK8sJwtKeysSecret, shape: whole, keys: [jwt_private_key.pem],
      fresh: true},
    fence-google-app-creds-secret: {at: fenceGoogleAppCredsSecret, switch: createK8sGoogleAppSecrets,
      shape: properties, keys: [fence_google_app_creds_secret.json],
      made: &google [fence_google_app_creds_secret.json, fence_google_storage_creds_secret.json]},
    fence-google-storage-creds-secret: {at: fenceGoogleStorageCredsSecret, switch: createK8sGoogleAppSecrets,
      shape: properties, keys: [fence_google_storage_creds_secret.json], made: *google},
    fence-creds: {never: true, keys: [creds.json]},
    fence-secret: {never: true, keys: [config_helper.py, fence_settings.py]},
{{- if .Values.usersync.syncFromDbgap }}
    fence-ssh-keys: {at: fenceSshKeys, switch: createK8sFenceConfigSecret, outside: true, shape: properties,
      keys: [id_rsa, id_rsa.pub]},
{{- end }}
  },
  config: {
    manifest-fence: {fence-config-public.yaml: {{ toYaml .Values.FENCE_CONFIG_PUBLIC | toJson }}},
    useryaml: {useryaml: {{ toString .Values.USER_YAML | toJson }},
      source: {{ .Values.usersync.userYamlS3Path | default "" | toJson }}},
    fence-yaml-merge: {yaml_merge.py: ""},
    {{- if $sync }}
    {{ .Release.Name }}-fence-ssh-known-hosts: {known_hosts: ""},
    {{- end }}
    logo-config: {logo.svg: ""},
    privacy-policy: {privacy_policy.md: ""}}}
{{- else if eq $name "frontend-framework" }}
{account: {{ .Release.Name }}-frontend-framework, serve: {frontend-framework-service: [http 80 3000,
  https 443 3000]}, pods: [{name: frontend-framework-deployment, account: "", port: 3000,
  {{- if .Values.customConfig.enabled }} init: {config-puller: alpine/git},{{ end }}
  probe: {{ eq .Values.global.frontendRoot "portal" | ternary "/ff" "/" }}}],
  config: {{ printf "{%s-frontend-framework-configmap: {HOSTNAME: %q, PORT: '3000', custom: %s}}" .Release.Name .Values.global.hostname (toJson .Values.customConfig | toJson) }}}
{{- else if eq $name "funnel" }}
{scale: [], account: funnel-sa-{{ .Release.Namespace }}, alwaysAccount: true, database: true, budget: bare,
  serve: {funnel: [http 8000 8000, rpc 9090 9090]}, secrets: {funnel-oidc-client: {at: funnelOidcClient,
  outside: true, shape: object}},
  config: {funnel-server-config: {funnel-server.yaml: {{ toYaml .Values.Kubernetes | toJson }}}},
  pods: [
    {name: funnel-server, namespace: {{ .Release.Namespace }}, port: 8000, probe: /healthz,
      init: {plugin: "quay.io/cdis/funnel-gen3-plugin:main-gen3", config-updater: "quay.io/cdis/awshelper:master"},
      asks: ["%funnel", "funnel-oidc-client:client_id", "funnel-oidc-client:client_secret"],
      volumes: [~funnel-server-config]},
{{- if .Values.externalSecrets.createFunnelOidcClientSecret }}
    {name: funnel-oidc-job, kind: Job, account: funnel-oidc-job-sa,
      init: {wait-for-fence: "quay.io/curl/curl:latest"},
      containers: {fence-client: "{{ $fence }}",
      funnel-oidc-secret-updater: "{{ $helper }}"}, asks: [fence-config/, "%fence",
      "funnel-oidc-client:client_id?", "funnel-oidc-client:client_secret?"]},
{{- end }}
  ],
  objects: [
    {apiVersion: v1, kind: Namespace, metadata: {name: workflow-pods-{{ .Release.Namespace }}}},
    {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole,
      metadata: {name: funnel-cluster-role-{{ .Release.Namespace }}}, rules: []}]}
{{- else if eq $name "gen3-analysis" }}
{serve: {gen3-analysis-service: [http 80 8000]}, pods: [{name: gen3-analysis-deployment, port: 8000,
  probe: /_status, asks: [gen3-analysis-secret/]}], secrets: {gen3-analysis-secret: {never: true,
  keys: [config.py], text: {{ toJson .Values.s3DataMount | toJson }}}}}
{{- else if eq $name "gen3-embeddings" }}
{database: true, budget: bare, serve: {gen3-embeddings-service: [http 80 4142]},
  secrets: {gen3embeddings-g3auto: {at: gen3EmbeddingsG3auto, switch: createK8sGen3EmbeddingsSecret, both: true,
  shape: properties, keys: [base64Authz.txt, dbcreds.json, gen3-embeddings.env], made: [base64Authz.txt,
  gen3-embeddings.env], api: external-secrets.io/v1beta1}},
  pods: [
    {name: gen3-embeddings-deployment, port: 4142, probe: /_status, init: {gen3-embeddings-init: ""},
      asks: [gen3embeddings-g3auto/, "@gen3-embeddings", "gen3-embeddings-dbcreds:port"{{ if .Values.global.dev }},
      "{{ .Release.Name }}-postgresql:postgres-password"{{ end }}]}]}
{{- else if eq $name "gen3-user-data-library" }}
{database: true, budget: bare, serve: {gen3-user-data-library-service: [http 80 http]},
  pods: [{name: gen3-user-data-library-deployment, port: 80, probe: /_status,
  init: {gen3-user-data-library-init: ""}, asks: [gen3userdatalibrary-g3auto/, "@gen3-user-data-library"]}],
  secrets: {gen3userdatalibrary-g3auto: {at: gen3UserDataLibraryG3auto,
  switch: createK8sGen3UserDataLibrarySecret, both: true, shape: properties, keys: [base64Authz.txt,
  dbcreds.json, gen3-user-data-library.env], made: [base64Authz.txt, gen3-user-data-library.env]}}}
{{- else if eq $name "gen3-workflow" }}
{account: gen3-workflow-sa, accounts: {funnel-oidc-job-sa: {}}, serve: {gen3-workflow-service: [http 80 http]},
  pods: [{name: gen3-workflow-deployment, port: 8000, probe: /_status, volumes: [gen3workflow-g3auto/]}],
  secrets: {gen3workflow-g3auto: {at: gen3workflowG3auto, switch: createK8sGen3WorkflowSecret, shape: properties,
  keys: [gen3-workflow-config.yaml], text: {{ toYaml .Values.gen3WorkflowConfig | toJson }}}}}
{{- else if eq $name "guppy" }}
{serve: {guppy-service: [http 80 8000]}, pods: [{name: guppy-deployment, port: 8000, probe: /_status,
  volumes: [~manifest-guppy]}],
  config: {manifest-guppy: {guppy_config.json: {{ pick .Values "indices" "configIndex" "authFilterField" "esEndpoint" "enableEncryptWhitelist" "encryptWhitelist" | toJson | toJson }}}}}
{{- else if eq $name "hatchery" }}
{account: hatchery-service-account, fixedAccount: true, alwaysAccount: true,
  role: arn:aws:iam::{{ .Values.global.aws.account }}:role/{{ .Values.global.aws.hatchery_role }},
  serve: {hatchery-service: [http 80 http]}, secrets: {stata-workspace-gen3-license: {at: stataG3auto,
  switch: createK8sStataSecret, outside: true, shape: whole, keys: [stata-license.txt]}},
  config: {manifest-hatchery: {json: {{ .Values.hatchery.json | default (pick .Values.hatchery "containers" "sidecarContainer" "skipNodeSelector" "useInternalServicesUrl" | toJson) | toJson }}}},
  pods: [
    {name: hatchery-deployment, port: 8000, probe: /_status, volumes: [~manifest-hatchery]},
{{- if .Values.hatchery.reaper.enabled }}
    {name: hatchery-reaper, schedule: "{{ .Values.hatchery.reaper.schedule }}",
      suspend: {{ .Values.hatchery.reaper.suspendCronjob | default false }},
      account: hatchery-service-account, containers: {awshelper: "{{ $helper }}"},
      asks: [~manifest-hatchery]},
{{- end }}
  ],
  objects: [
    {apiVersion: v1, kind: Namespace,
      metadata: {name: {{ .Values.jupyterNamespace | default (printf "jupyter-pods-%s" .Release.Namespace) }},
      labels: {role: usercode}}}]}
{{- else if eq $name "indexd" }}
{database: true, serve: {indexd-service: [http 80 http]}, config: {indexd-uwsgi: {uwsgi.ini: ""},
  gunicorn-conf: {gunicorn.conf.py: ""}},
  pods: [
    {name: indexd-deployment, account: default, port: 80, probe: /_status, asks: &asks ["@indexd"],
      volumes: &volumes [indexd-settings/, ~indexd-uwsgi, ~gunicorn-conf]},
    {name: indexd-userdb, kind: Job, init: {wait-for-indexd: "docker.io/curlimages/curl:latest"}, asks: ["@indexd",
      "indexd-service-creds:fence", "indexd-service-creds:sheepdog", "indexd-service-creds:ssj",
      "indexd-service-creds:gateway"], volumes: *volumes},
    {name: migrate-to-single-table-indexd, schedule: "0 0 31 2 *", asks: *asks, volumes: *volumes}],
  secrets: {
    indexd-service-creds: {at: serviceCreds, switch: createK8sServiceCredsSecret, shape: object, keys: [fence,
      sheepdog, ssj, gateway], fresh: true},
    indexd-settings: {never: true, keys: [local_settings.py], text: {{ .Values.defaultPrefix | toJson }}}}}
{{- else if eq $name "jeg" }}
{scale: [], budget: false, namespace: {{ .Values.workspaceNamespace }}, app: enterprise-gateway, account: enterprise-gateway, alwaysAccount: true,
  serve: {jupyter-enterprise-gateway: [http 8888 http]}, pods: [{name: jupyter-enterprise-gateway,
  namespace: {{ .Values.workspaceNamespace }}, app: enterprise-gateway, containers: {enterprise-gateway: ""},
  port: 8888, probe: /api}]}
{{- else if eq $name "manifestservice" }}
{{- $local := .Values.global.aws.useLocalSecret }}
{{- $own := and .Values.manifestserviceG3auto.awsaccesskey .Values.manifestserviceG3auto.awssecretkey }}
{{- $secret := ternary $local.localSecretName "manifestservice-aws-config" (eq true $local.enabled) }}
{{- $given := or .Values.secrets.awsSecretAccessKey .Values.global.aws.awsSecretAccessKey }}
{account: manifestservice-sa, serve: {manifestservice-service: [http 80 80]},
  pods: [{name: manifestservice-deployment, port: 80, probe: /_status,
  volumes: [manifestservice-g3auto/], asks: [
  {{- if $own }}"manifestservice-g3auto:aws_access_key_id", "manifestservice-g3auto:aws_secret_access_key"
  {{- else if or $local.enabled $given .Values.global.aws.externalSecrets.enabled }}"{{ $secret }}:access-key",
  "{{ $secret }}:secret-access-key"{{ end }}]}],
  secrets: {manifestservice-g3auto: {at: manifestserviceG3auto, switch: createK8sManifestServiceSecret,
  shape: whole, keys: [config.json], text: {{ toJson .Values.manifestserviceG3auto | toJson }}}}}
{{- else if eq $name "metadata" }}
{database: true, serve: {metadata-service: [http 80 80]}, secrets: {metadata-g3auto: {at: metadataG3auto,
  switch: createK8sMetadataSecret, shape: properties, keys: [base64Authz.txt, dbcreds.json, metadata.env],
  made: [base64Authz.txt, metadata.env], fresh: true}},
{{- if .Values.useAggMds }}
  config: {agg-mds-config: {aggregate_config.json: {{ toString .Values.aggMdsConfig | toJson }},
    server: {{ printf "%v %v" .Values.esEndpoint (.Values.aggMdsNamespace | default "default") | toJson }}}},
{{- end }}
  pods: [
    {name: metadata-deployment, port: 80, probe: /_status, init: {metadata-db-migrate: ""},
      asks: [metadata-g3auto/, "@metadata", "~agg-mds-config?"]},
{{- if .Values.useAggMds }}
    {name: metadata-aggregate-sync, schedule: "0 0 * * *",
      init: {wait-for-es: alpine/curl, wait-for-metadata: alpine/curl},
      containers: {metadata-sync: "", slack-alert: "{{ $helper }}"},
      asks: ["~agg-mds-config?", "slack-webhook:slack_webhook?"]},
{{- end }}
  ]}
{{- else if eq $name "gen3-network-policies" }}
{
  objects: [
    {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: allow-nothing-netpolicy},
      spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}]}
{{- else if eq $name "ohdsi-atlas" }}
{scale: [], budget: false, serve: {ohdsi-atlas-service: [http 80 8080]}, pods: [{name: ohdsi-atlas-deployment, port: 8080,
  probe: /, asks: [~ohdsi-atlas-config]}], config: {ohdsi-atlas-config: {config-local.js: ""}}}
{{- else if eq $name "ohdsi-webapi" }}
{scale: [], budget: false, database: true, accounts: {webapi-secrets: {}}, serve: {ohdsi-webapi-service: [http 80 80]},
  config: {ohdsi-webapi-reverse-proxy-config: {nginx.conf: ""}},
  pods: [
    {name: ohdsi-webapi-deployment, port: 8080, probe: /WebAPI/info/, containers: {ohdsi-webapi: "",
      ohdsi-webapi-reverse-proxy: "quay.io/cdis/nginx:master"}, asks: [ohdsi-webapi-config*, "@ohdsi-webapi",
      ~ohdsi-webapi-reverse-proxy-config]},
    {name: ohdsi-webapi-client-job, kind: Job, account: webapi-secrets,
      init: {wait-for-fence: "quay.io/curl/curl:latest"},
      containers: {add-fence-client: "{{ $fence }}",
      update-webapi-config: "bitnami/kubectl:latest"}, asks: [fence-config/, "%fence"]}],
  secrets: {
    ohdsi-webapi-config: {switch: createK8sOhdsiWebApiConfigSecret, local: true, keys: [security_oid_clientId,
      security_oid_apiSecret]},
    ohdsi-webapi-g3auto: {remote: {{ .Values.global.externalSecrets.webapiG3auto | default "ohdsi-webapi-g3auto" }},
      switch: createK8sOhdsiWebApiConfigSecret, outside: true, shape: properties, keys: [ohdsi-webapi-config],
      api: external-secrets.io/v1beta1}}}
{{- else if eq $name "ohif-viewer" }}
{serve: {ohif-viewer-service: [https 80 8080]}, pods: [{name: ohif-viewer-deployment, port: 8080, probe: /,
  volumes: ["~ohif-viewer-app-config?"]}],
  config: {ohif-viewer-app-config: {app-config.js: {{ toString .Values.APP_CONFIG | toJson }}}}}
{{- else if eq $name "orthanc" }}
{database: true, serve: {orthanc-service: [https 80 8042]}, pods: [{name: orthanc-deployment, port: 8042,
  probe: /system, asks: ["@orthanc?"], volumes: [orthanc-s3-g3auto/]}],
  secrets: {orthanc-s3-g3auto: {at: orthancS3G3Auto, switch: createK8sOrthancS3G3auto, always: true,
  cluster: true, shape: whole, keys: [orthanc_config_overwrites.json]}}}
{{- else if eq $name "peregrine" }}
{account: peregrine-sa, database: true, serve: {peregrine-service: [http 80 http]},
  pods: [{name: peregrine-deployment, port: 80, probe: "/_status?timeout=2", asks: ["@fence", "@sheepdog",
  "indexd-service-creds:sheepdog"], volumes: [peregrine-secret/]}], secrets: {peregrine-secret: {never: true,
  keys: [config_helper.py, settings.py]}}}
{{- else if eq $name "portal" }}
{account: portal-sa, serve: {portal-service: [http 80 http]}, pods: [{name: portal-deployment, port: 80,
  probe: {{ eq .Values.global.frontendRoot "gen3ff" | ternary "/portal" "/" }},
  init: { {{- if .Values.extraImages }}init: "quay.io/prometheus/busybox:latest", {{ end }}
    {{- if .Values.customConfig.enabled }}config-puller: alpine/git{{ end -}} },
  asks: [{{ if not .Values.customConfig.enabled }}portal-config/, portal-sponsor-config/, {{ end }}
    "portal-datadog-config:datadog_application_id?", "portal-datadog-config:datadog_client_token?",
    "~privacy-policy?", ~portal-nginx]}],
  config: { {{- if .Values.extraImages }}portal-extra-images: {images: {{ toJson .Values.extraImages | toJson }}}, {{ end }}
  portal-nginx: {nginx.conf: {{ .Values.global.dataUploadBucket | default "" | toJson }},
  main: {{ pick .Values "gitops" "customConfig" "portalBuild" "extraImages" | toJson | sha256sum | toJson }}}},
  secrets: {
    portal-config: {never: true, keys: [gitops.json, gitops.css, gitops-logo.png, gitops-favicon.ico,
      gitops-createdby.png], text: {{ (.Values.gitops | default dict).json | default "{}" | toJson }}},
    portal-sponsor-config: {never: true, keys: []}}}
{{- else if eq $name "requestor" }}
{account: requestor-sa, database: true, serve: {requestor-service: [http 80 80]},
  pods: [{name: requestor-deployment, port: 80, probe: /_status, init: {requestor-db-migrate: ""},
  {{ with .Values.volumeMounts }}command: [{{ toJson . | toJson }}], {{ end -}}
  asks: [requestor-g3auto/, "@requestor"]}], secrets: {requestor-g3auto: {at: requestorG3auto,
  switch: createK8sRequestorSecret, outside: {{ not (.Values.requestorConfig | default dict).enabled }},
  shape: properties, keys: [config.yaml],
  text: {{ (.Values.requestorConfig | default dict).configYaml | default "" | toJson }}}}}
{{- else if eq $name "revproxy" }}
{serve: {revproxy-service: [http 80 http]}, pods: [{name: revproxy-deployment, port: 80, probe: /_status,
  asks: ["gateway-g3auto:base64Authz.txt?", "metadata-g3auto:base64Authz.txt?", ~revproxy-nginx-conf,
  ~revproxy-nginx-subconf]}], secrets: {gen3-certs: {never: true, keys: [tls.crt, tls.key],
  text: {{ (.Values.global.tls | default dict).cert | default "" | toJson }}}},
  config: {revproxy-nginx-conf: {nginx.conf: {{ toYaml .Values.nginx | toJson }}, helpers.js: ""},
  revproxy-nginx-subconf: {fence-service.conf: ""}}}
{{- else if eq $name "sheepdog" }}
{database: true, serve: {sheepdog-service: [http 80 80]}, pods: [{name: sheepdog-deployment, port: 80,
  probe: "/_status?timeout=2", init: {sheepdog-init: ""}, asks: [sheepdog-secret/, "@fence", "@sheepdog",
  "indexd-service-creds:sheepdog"]}], secrets: {sheepdog-secret: {never: true, keys: [config_helper.py,
  settings.py]}}}
{{- else if eq $name "sower" }}
{budget: false, account: sower-service-account, alwaysAccount: true,
  role: arn:aws:iam::{{ .Values.global.aws.account }}:role/{{ .Values.global.aws.sower_role }},
  serve: {sower-service: [http 80 http]}, pods: [{name: sower, port: 8000, probe: /_status,
  volumes: [~manifest-sower]}], config: {manifest-sower: {json: {{ toJson .Values.sowerConfig | toJson }}}},
  secrets: {
    pelicanservice-g3auto: {at: pelicanserviceG3auto, switch: createK8sPelicanServiceSecret, shape: whole,
      keys: [config.json], text: {{ toJson .Values.pelican | toJson }}},
    sower-jobs-g3auto: {at: sowerjobsG3auto, switch: createK8sSowerJobsSecret, shape: whole, keys: [config.json],
      text: {{ toJson .Values.sowerjobsG3auto | toJson }}}}}
{{- else if eq $name "ssjdispatcher" }}
{account: ssjdispatcher-sa,
  accounts: {{ printf "{%s: %s}" "ssjdispatcher-job-sa" (toJson .Values.jobServiceAccount.annotations) }},
  serve: {ssjdispatcher-service: [http 80 http]}, pods: [{name: ssjdispatcher, port: 8000, probe: /_status,
  volumes: [ssjdispatcher-creds/]}], secrets: {ssjdispatcher-creds: {at: credsFile, remote: credentials.json,
  switch: createK8sSsjdispatcherSecret, shape: whole, keys: [credentials.json],
  text: {{ toJson .Values.ssjcreds | toJson }}}},
  config: {manifest-ssjdispatcher: {job_images: {{ toJson .Values.indexing | toJson }}}}}
{{- else if eq $name "vectis-overlays" }}
{scale: [], budget: false, accounts: {search-auth-proxy: {}, siem-service: {}},
  serve: {search-auth-proxy: [http 8000 8000], siem-service: [http 8000 8000]},
  pods: [
    {name: search-auth-proxy, namespace: {{ .Release.Namespace }}, app: search-auth-proxy,
      account: search-auth-proxy, containers: {search-auth-proxy: "quay.io/cdis/gen3-vectis:search-auth-proxy-v1"},
      port: 8000, probe: /health},
    {name: siem-service, namespace: {{ .Release.Namespace }}, app: siem-service, account: siem-service,
      containers: {siem-service: "quay.io/cdis/gen3-vectis:siem-service-v1"}, port: 8000, probe: /siem/health,
      asks: ["vectis-search-auth-proxy:postgres_dsn"]}],
  secrets: {vectis-search-auth-proxy: {always: true, outside: true, shape: properties, keys: [username, password],
    remote: {{ (.Values.rds | default dict).secretName | default "" | quote }}, api: external-secrets.io/v1beta1}}}
{{- else if eq $name "workspace-proxy" }}
{scale: [], budget: false, account: workspace-proxy, alwaysAccount: true,
  serve: {workspace-proxy-service: [http 8080 http]}, pods: [{name: workspace-proxy, port: 8080,
  probe: /healthz}]}
{{- else if eq $name "wts" }}
{account: workspace-token-service, database: true, accounts: {wts-secrets: {}},
  serve: {workspace-token-service: [http 80 80, https 443 443]},
  pods: [
    {name: wts-deployment, port: 80, probe: /_status, init: {wts-db-migrate: ""}, asks: [wts-g3auto/, "@wts",
      "wts-oidc-client:client_id", "wts-oidc-client:client_secret"]},
{{- if .Values.externalSecrets.createWtsOidcClientSecret }}
    {name: wts-oidc-job, kind: Job, account: wts-secrets, init: {wait-for-fence: "{{ .Values.image.utilImage }}"},
      containers: {fence-client: "{{ $fence }}", kubectl: "{{ .Values.image.utilImage }}"},
      command: [kubectl patch secret/wts-oidc-client],
      asks: [fence-config/, wts-g3auto/, "%fence", "wts-oidc-client:client_id?"]},
{{- end }}
  ],
  secrets: {
    wts-g3auto: {at: wtsG3auto, switch: createK8sWtsSecret, shape: properties, keys: [appcreds.json],
      fresh: {{ not .Values.secret_key }}},
    wts-oidc-client: {at: wtsOidcClient, switch: createWtsOidcClientSecret, shape: object, keys: []}},
  objects: [
    {apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: wts-{{ .Release.Name }}},
      rules: []}]}
{{- else if eq $name "zendesk-wrapper" }}
{scale: [], budget: false, serve: {zendesk-wrapper-service: [http 80 80, https 443 80]},
  pods: [{name: zendesk-wrapper-deployment, port: 80, probe: /_status/, asks: ["zendesk-wrapper-secret:clientID",
  "zendesk-wrapper-secret:clientSecret"]}], secrets: {zendesk-wrapper-secret: {at: name, outside: true,
  shape: properties, keys: [clientID, clientSecret], api: external-secrets.io/v1beta1}}}
{{- else if has $name (list "aws-es-proxy" "aws-sigv4-proxy") }}
{account: aws-es-proxy-sa, alwaysAccount: true,
  role: {{ .Values.global.aws.awsEsProxyRoleArn | default (printf "arn:aws:iam::%v:role/%v" (.Values.global.aws.account | default "") (.Values.global.aws.awsEsProxyRole | default "")) }},
  scale: [{{ .Chart.Name }}], pods: [{name: {{ .Chart.Name }}-deployment, port: 9200, containers: {esproxy: ""},
  command: [{{ .Values.esEndpoint | quote }}, {{ .Values.awsRegion | default .Values.global.aws.region | quote }}], asks: ["{{ .Chart.Name }}-aws-config/?"]}],
  serve: {
    elasticsearch: [https 9200 9200],
{{- if not .Values.global.dev }}
    gen3-elasticsearch-master: [https 9200 9200],
{{- end }}
  }}
{{- end }}
{{- end }}

{{/* The ways in from outside. */}}
{{- define "gen3.entries" }}
{{- $global := .Values.global }}
{{- $host := .Values.hostname | default $global.hostname }}
{{- $backend := "{path: /, pathType: Prefix, backend: {service: {name: revproxy-service, port: {number: 80}}}}" }}
{{- if $global.aws.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: revproxy-alb
  annotations:
    alb.ingress.kubernetes.io/certificate-arn: {{ $global.revproxyArn | quote }}
    alb.ingress.kubernetes.io/group.name: {{ dig "aws" "group" $global.environment .Values.ingress | quote }}
    alb.ingress.kubernetes.io/scheme: {{ $global.aws.scheme | default "internet-facing" }}
    {{- if ($global.aws.wafv2 | default dict).enabled }}
    alb.ingress.kubernetes.io/wafv2-acl-arn: {{ $global.aws.wafv2.wafAclArn | quote }}
    {{- end }}
spec: {ingressClassName: alb, rules: [{host: {{ $host | quote }}, http: {paths: [{{ $backend }}]}}]}
{{- else if $global.dev }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: revproxy-dev}
spec: {tls: [{hosts: [{{ $host | quote }}], secretName: gen3-certs}], rules: [{host: {{ $host | quote }}, http: {paths: [{{ $backend }}]}}]}
{{- end }}
{{- if ($global.gcp | default dict).enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: revproxy-gcp}
spec: {rules: [{host: {{ $host | quote }}, http: {paths: [{{ $backend }}]}}]}
{{- end }}
{{- with .Values.ingress }}
{{- if .enabled }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ $.Release.Name }}-revproxy, annotations: {{ toJson (.annotations | default dict) }}}
spec:
  ingressClassName: {{ .className | default "" | quote }}
  tls: {{ toJson (.tls | default list) }}
  rules:
    {{- range .hosts }}
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range .paths }}
          - {path: {{ .path }}, pathType: {{ .pathType }}, backend: {service: {name: revproxy-service, port: {number: 80}}}}
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}
{{/* What network policies tell services apart by. */}}
{{- define "gen3.labels" }}
netnolimit: [access-backend, ambassador, argo-wrapper, cedar, fence, gen3-analysis, gen3-embeddings,
  gen3-user-data-library, gen3-workflow, guppy, hatchery, metadata, requestor, sheepdog, sower, ssjdispatcher, wts,
  zendesk-wrapper]
authprovider: [arborist, fence]
internet: [audit, dashboard, fence, ohdsi-webapi]
linklocal: [audit, dashboard, fence]
netvpc: [audit, dashboard, hatchery, aws-es-proxy, aws-sigv4-proxy]
s3: [dashboard, manifestservice, orthanc, peregrine, sheepdog]
{{- end }}

{{/* Services that have a Secret with keys of AWS, where such keys are given; and a store of their own, if wanted. */}}
{{- define "gen3.keyOwners" }}
[arborist, audit, aws-es-proxy, aws-sigv4-proxy, fence, funnel, gen3-workflow, guppy, indexd, manifestservice, metadata,
  peregrine, requestor, sheepdog, sower, wts]
{{- end }}
{{- define "gen3.storeOwners" }}
[arborist, audit, aws-es-proxy, aws-sigv4-proxy, cedar, fence, funnel, gen3-embeddings, gen3-user-data-library,
  gen3-workflow, indexd, manifestservice, metadata, orthanc, peregrine, requestor, sheepdog, sower, ssjdispatcher, wts]
{{- end }}
