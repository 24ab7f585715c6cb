{{/*
A Secret that Helm makes, or that External Secrets brings. keys: what it holds; made: what it holds where Helm makes it,
if that differs; at: the key of externalSecrets that names it in Secrets Manager; remote: its name there otherwise;
each: key and name by entry where they differ;
switch: the flag with which Helm makes it all the same; whole: one key is the whole of it, object: every property
becomes a key; both, always, never: it comes from outside even so, without asking, not at all; api: an older one.
*/}}
{{- define "gen3.secret" }}
{{- $values := .root.Values }}
{{- $deploy := $values.global.externalSecrets.deploy }}
{{- $local := or (not $deploy) (and .secret.switch (get $values.externalSecrets .secret.switch)) }}
{{- if and (not .secret.outside) (or $local .secret.never) }}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .name }}}
{{- with .secret.made | default .secret.keys }}
stringData:
  {{- range $key := . }}
  {{ $key }}: {{ if $.secret.fresh }}{{ randAlphaNum 20 }}{{ else }}{{ toString ($.secret.text | default "") | toJson }}{{ end }}
  {{- end }}
{{- end }}
{{- end }}
{{- if and (not .secret.never) (not .secret.local) (or .secret.always $deploy) (or .secret.both (not (and .secret.switch (get $values.externalSecrets .secret.switch)))) }}
{{- $cluster := list "dicom-server" "fence" "gen3-workflow" "indexd" "orthanc" "vectis-overlays" }}
{{- $remote := get $values.externalSecrets (.secret.at | default "") | default .secret.remote | default .name }}
---
apiVersion: {{ .secret.api | default $values.global.externalSecrets.apiVersion }}
kind: ExternalSecret
metadata: {name: {{ .name }}}
spec:
  refreshInterval: 5m
  secretStoreRef: {{ include "gen3.store" (dict "root" .root "cluster" (has .root.Chart.Name $cluster)) }}
  target: {name: {{ .name }}, creationPolicy: Owner}
  {{- if eq .secret.shape "object" }}
  dataFrom:
    - extract: {key: {{ $remote }}}
  {{- else }}
  data:
    {{- range $key := .secret.keys }}
    {{- $each := get ($.secret.each | default dict) $key | default list }}
    {{- $named := $remote }}
    {{- if $each }}
    {{- $named = get $values.externalSecrets (first $each) | default (last $each) }}
    {{- end }}
    - secretKey: {{ $key }}
      remoteRef: {key: {{ $named }}{{ if ne $.secret.shape "whole" }}, property: {{ $key }}{{ end }}}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The store that an ExternalSecret asks; a few services can be sent to one of the cluster's. */}}
{{- define "gen3.store" -}}
{{- $set := .root.Values.global.externalSecrets }}
{{- if and .cluster $set.clusterSecretStoreRef }}{kind: ClusterSecretStore, name: {{ $set.clusterSecretStoreRef }}}
{{- else }}{kind: SecretStore, name: {{ if $set.separateSecretStore }}{{ .root.Chart.Name }}{{ else }}gen3{{ end }}-secret-store}{{ end }}
{{- end }}

{{/* The credentials of a service's database, and the Job that makes the database. */}}
{{- define "gen3.database" }}
{{- $values := .root.Values }}
{{- $chart := .root.Chart.Name }}
{{- $master := $values.global.postgres.master }}
{{- $name := printf "%s-dbcreds" $chart }}
{{- $deploy := $values.global.externalSecrets.deploy }}
{{- $push := or $values.global.externalSecrets.pushSecret $values.externalSecrets.pushSecret }}
{{- $outside := and $deploy (not $values.global.externalSecrets.createLocalK8sSecret) }}
{{- $remote := $values.externalSecrets.dbcreds | default (printf "%s-%s-creds" $values.global.environment $chart) }}
{{- if or (not $outside) $push }}
{{- $host := $values.postgres.host | default $master.host }}
{{- if $values.global.dev }}
{{- $host = printf "%s-postgresql.%s" .root.Release.Name .root.Release.Namespace }}
{{- end }}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ $name }}{{ if $outside }}-bootstrap{{ end }}}
data:
  database: {{ $values.postgres.database | default (printf "%s_%s" $chart .root.Release.Name) | b64enc }}
  username: {{ $values.postgres.username | default (printf "%s_%s" $chart .root.Release.Name) | b64enc }}
  port: {{ $values.postgres.port | default $master.port | b64enc }}
  password: {{ $values.postgres.password | default (randAlphaNum 20) | b64enc }}
  host: {{ $host | b64enc }}
  {{- if $outside }}
  dbcreated: {{ "true" | b64enc }}
  {{- end }}
{{- end }}
{{- if and $deploy $push }}
---
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: {{ $name }}}
spec:
  secretStoreRefs: [{{ include "gen3.store" (dict "root" .root "cluster" true) }}]
  selector: {secret: {name: {{ $name }}{{ if $outside }}-bootstrap{{ end }}}}
  data: [{match: {remoteRef: {remoteKey: {{ $remote }}}}}]
{{- end }}
{{- if $outside }}
---
apiVersion: {{ $values.global.externalSecrets.apiVersion }}
kind: ExternalSecret
metadata: {name: {{ $name }}}
spec:
  refreshInterval: 5m
  secretStoreRef: {{ include "gen3.store" (dict "root" .root "cluster" false) }}
  target: {name: {{ $name }}, creationPolicy: Owner}
  dataFrom:
    - extract: {key: {{ $remote }}}
{{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ $chart }}-dbcreate-sa}
{{- if or $values.global.postgres.dbCreate $values.postgres.dbCreate }}
{{- $asks := list (printf "%s:username" $name) (printf "%s:password" $name) (printf "%s:database" $name) }}
{{- if $values.global.dev }}
{{- $asks = append $asks (printf "%s-postgresql:postgres-password" .root.Release.Name) }}
{{- else if $values.global.postgres.externalSecret }}
{{- range $key := list "host" "username" "password" "port" }}
{{- $asks = append $asks (printf "%s:%s" $values.global.postgres.externalSecret $key) }}
{{- end }}
{{- end }}
{{- $image := $values.global.awshelper_container_image | default "quay.io/cdis/awshelper:master" }}
{{- include "gen3.workload" (dict "root" .root "about" dict "pod" (dict "name" (printf "%s-dbcreate" $chart) "kind" "Job" "account" (printf "%s-dbcreate-sa" $chart) "asks" $asks "containers" (dict "db-setup" $image))) }}
{{- end }}
{{- end }}

{{/* Keys of AWS: given in the values, or brought by External Secrets. */}}
{{- define "gen3.awsConfig" }}
{{- $aws := .Values.global.aws }}
---
{{- if $aws.externalSecrets.enabled }}
apiVersion: {{ .Values.global.externalSecrets.apiVersion }}
kind: ExternalSecret
metadata: {name: {{ .Chart.Name }}-aws-config}
spec:
  secretStoreRef: {{ include "gen3.store" (dict "root" . "cluster" true) }}
  target: {name: {{ .Chart.Name }}-aws-config, creationPolicy: Owner}
  data:
    {{- range $key := list "access-key" "secret-access-key" "credentials" }}
    - secretKey: {{ $key }}
      remoteRef: {key: {{ $aws.externalSecrets.externalSecretAwsCreds }}, property: {{ $key }}}
    {{- end }}
{{- else }}
{{- $id := .Values.secrets.awsAccessKeyId | default $aws.awsAccessKeyId }}
{{- $key := .Values.secrets.awsSecretAccessKey | default $aws.awsSecretAccessKey }}
apiVersion: v1
kind: Secret
metadata: {name: {{ .Chart.Name }}-aws-config}
data:
  access-key: {{ $id | b64enc }}
  secret-access-key: {{ $key | b64enc }}
  credentials: {{ printf "[default]\naws_access_key_id=%s\naws_secret_access_key=%s\n" $id $key | b64enc }}
{{- end }}
{{- end }}

{{/* Where ExternalSecrets come from: a store for all, or (separateSecretStore) one for each of some services. */}}
{{- define "gen3.secretStore" }}
{{- $aws := .Values.global.aws }}
---
apiVersion: {{ .Values.global.externalSecrets.apiVersion }}
kind: SecretStore
metadata: {name: {{ .Chart.Name }}-secret-store}
spec:
  provider:
    {{- if and .Values.global.gcp.enabled (not $aws.useLocalSecret.enabled) }}
    gcpsm: {projectID: {{ .Values.global.gcp.projectID }}}
    {{- else }}
    aws:
      service: SecretsManager
      region: {{ $aws.region }}
      {{- if $aws.useLocalSecret.enabled }}
      {{- else if $aws.secretStoreServiceAccount.enabled }}
      auth: {jwt: {serviceAccountRef: {name: {{ $aws.secretStoreServiceAccount.name }}}}}
      {{- else }}
      auth:
        secretRef:
          accessKeyIDSecretRef: {name: {{ .Chart.Name }}-aws-config, key: access-key}
          secretAccessKeySecretRef: {name: {{ .Chart.Name }}-aws-config, key: secret-access-key}
      {{- end }}
    {{- end }}
{{- end }}
