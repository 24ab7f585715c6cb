{{/*
Everything that one service is made of. It runs in the service's own chart, so that .Chart.Name is the service and
.Values are its values. The table in _services.tpl says what the service has; this says how it looks.
*/}}
{{- define "gen3.service" }}
{{- $about := include "gen3.about" . | fromYaml }}
{{- with $about.Error }}
{{- fail (printf "%s: %s" $.Chart.Name .) }}
{{- end }}
{{- range $pod := $about.pods }}
{{- include "gen3.workload" (dict "root" $ "about" $about "pod" $pod) }}
{{- end }}
{{- range $name, $ports := $about.serve }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ $name }}{{ with $about.namespace }}, namespace: {{ . }}{{ end }}}
spec:
  type: {{ $.Values.service.type | default "ClusterIP" }}
  selector: {app: {{ $about.app | default $.Chart.Name }}}
  ports:
    {{- range $ports }}
    {{- $part := splitList " " . }}
    - {name: {{ index $part 0 }}, port: {{ index $part 1 }}, targetPort: {{ index $part 2 }}}
    {{- end }}
{{- end }}
{{- if and $about.account (or $about.alwaysAccount .Values.serviceAccount.create) }}
{{- $role := and .Values.global.aws.enabled $about.role }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "gen3.account" (dict "root" . "about" $about) }}
  {{- with $about.namespace }}
  namespace: {{ . }}
  {{- end }}
  annotations:
    {{- if $role }}
    eks.amazonaws.com/role-arn: {{ $role }}
    {{- else }}
    {{- toYaml .Values.serviceAccount.annotations | nindent 4 }}
    {{- end }}
{{- end }}
{{- range $name, $annotations := $about.accounts }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ $name }}, annotations: {{ toJson ($annotations | default dict) }}}
{{- end }}
{{- if $about.database }}
{{- include "gen3.database" (dict "root" .) }}
{{- end }}
{{- range $name, $secret := $about.secrets }}
{{- include "gen3.secret" (dict "root" $ "name" $name "secret" $secret) }}
{{- end }}
{{- range $name, $data := $about.config }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ $name }}}
data:
  {{- range $key, $text := $data }}
  {{ $key }}: {{ toString $text | toJson }}
  {{- end }}
{{- end }}
{{- $keys := or .Values.secrets.awsSecretAccessKey .Values.global.aws.awsSecretAccessKey .Values.global.aws.externalSecrets.enabled }}
{{- if and (has .Chart.Name (include "gen3.keyOwners" . | fromYamlArray)) $keys }}
{{- include "gen3.awsConfig" . }}
{{- end }}
{{- if and .Values.global.externalSecrets.separateSecretStore (has .Chart.Name (include "gen3.storeOwners" . | fromYamlArray)) }}
{{- include "gen3.secretStore" . }}
{{- end }}
{{- range $object := $about.objects }}
---
{{ toYaml $object }}
{{- end }}
{{- if eq .Chart.Name "revproxy" }}
{{- include "gen3.entries" . }}
{{- end }}
{{- $scale := hasKey $about "scale" | ternary $about.scale (list .Chart.Name) }}
{{- if or .Values.autoscaling.enabled (default dict .Values.global.autoscaling).enabled }}
{{- range $scale }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: {{ . }}-hpa}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ . }}-deployment}
  minReplicas: {{ $.Values.autoscaling.minReplicas | default 1 }}
  maxReplicas: {{ $.Values.autoscaling.maxReplicas | default 10 }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: AverageValue, averageValue: {{ $.Values.autoscaling.averageCPUValue | default "500m" }}}}
    - type: Resource
      resource: {name: memory, target: {type: AverageValue, averageValue: {{ $.Values.autoscaling.averageMemoryValue | default "500Mi" }}}}
{{- end }}
{{- end }}
{{- $budget := hasKey $about "budget" | ternary $about.budget true }}
{{- if and $budget .Values.global.pdb (gt (int .Values.replicaCount) 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Chart.Name }}-pdb}
spec:
  minAvailable: {{ if eq (toString $budget) "bare" }}{{ .Values.global.minAvailable }}{{ else }}{{ .Values.global.minAvailable | default 1 }}{{ end }}
  selector: {matchLabels: {app: {{ .Chart.Name }}}}
{{- end }}
{{- end }}

{{/* The name of the service's own account. */}}
{{- define "gen3.account" -}}
{{ if .about.fixedAccount }}{{ .about.account }}{{ else }}{{ .root.Values.serviceAccount.name | default .about.account }}{{ end }}
{{- end }}

{{/* A Deployment, a Job (kind), or a CronJob (schedule). */}}
{{- define "gen3.workload" }}
{{- $kind := .pod.kind | default (hasKey .pod "schedule" | ternary "CronJob" "Deployment") }}
---
{{- if eq $kind "Deployment" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .pod.name }}
  {{- with .pod.namespace }}
  namespace: {{ . }}
  {{- end }}
  labels: {app: {{ .pod.app | default .root.Chart.Name }}}
spec:
  {{- if not .root.Values.autoscaling.enabled }}
  replicas: {{ .root.Values.replicaCount }}
  {{- end }}
  selector:
    matchLabels: {app: {{ .pod.app | default .root.Chart.Name }}}
  template:
    {{- include "gen3.pod" . | nindent 4 }}
{{- else if eq $kind "Job" }}
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .pod.name }}}
spec:
  template:
    {{- include "gen3.pod" . | nindent 4 }}
      restartPolicy: Never
{{- else }}
apiVersion: batch/v1
kind: CronJob
metadata: {name: {{ .pod.name }}}
spec:
  schedule: {{ .pod.schedule | quote }}
  suspend: {{ .pod.suspend | default false }}
  jobTemplate:
    spec:
      template:
        {{- include "gen3.pod" . | nindent 8 }}
          restartPolicy: Never
{{- end }}
{{- end }}

{{/*
A pod. What it asks for is written short: "a/" is Secret a as a volume, "a:k" its key k and "a*" all of it in the
environment, "@a" the five keys of a-dbcreds and "%a" the same without dbcreated, "~a" ConfigMap a as a volume; a "?"
behind makes it optional. env and volumes stand for the lists of that name in the values, which replace them.
*/}}
{{- define "gen3.pod" }}
{{- $values := .root.Values }}
{{- $short := or (hasKey .pod "kind") (hasKey .pod "schedule") }}
{{- $own := printf "%s:%s" (toString $values.image.repository) (toString ($values.image.tag | default .root.Chart.AppVersion)) }}
{{- $asks := concat (.pod.asks | default list) (kindIs "slice" $values.env | ternary list (.pod.env | default list)) (kindIs "slice" $values.volumes | ternary list (.pod.volumes | default list)) }}
{{- $flat := list }}
{{- range $ask := $asks }}
{{- $bare := $ask | trimPrefix "@" | trimPrefix "%" | trimSuffix "?" }}
{{- $often := hasSuffix "?" $ask | ternary "?" "" }}
{{- if or (hasPrefix "@" $ask) (hasPrefix "%" $ask) }}
{{- range $key := list "host" "username" "password" "database" "dbcreated" }}
{{- if or (ne $key "dbcreated") (hasPrefix "@" $ask) }}
{{- $flat = append $flat (printf "%s-dbcreds:%s%s" $bare $key $often) }}
{{- end }}
{{- end }}
{{- else }}
{{- $flat = append $flat $ask }}
{{- end }}
{{- end }}
{{- $env := list }}
{{- $from := list }}
{{- $volumes := list }}
{{- range $index, $ask := $flat | uniq }}
{{- $bare := trimSuffix "?" $ask }}
{{- $optional := hasSuffix "?" $ask }}
{{- if hasPrefix "~" $bare }}
{{- $volumes = append $volumes (dict "name" (printf "config-%d" $index) "configMap" (dict "name" (trimPrefix "~" $bare) "optional" $optional)) }}
{{- else if hasSuffix "/" $bare }}
{{- $volumes = append $volumes (dict "name" (printf "secret-%d" $index) "secret" (dict "secretName" (trimSuffix "/" $bare) "optional" $optional)) }}
{{- else if hasSuffix "*" $bare }}
{{- $from = append $from (dict "secretRef" (dict "name" (trimSuffix "*" $bare) "optional" $optional)) }}
{{- else }}
{{- $part := splitList ":" $bare }}
{{- $name := printf "%s_%s" (index $part 0) (index $part 1) | upper | replace "-" "_" | replace "." "_" }}
{{- $env = append $env (dict "name" $name "valueFrom" (dict "secretKeyRef" (dict "name" (index $part 0) "key" (index $part 1) "optional" $optional))) }}
{{- end }}
{{- end }}
{{- if and .pod.env (kindIs "slice" $values.env) }}
{{- $env = concat $env $values.env }}
{{- end }}
{{- if and .pod.volumes (kindIs "slice" $values.volumes) }}
{{- $volumes = concat $volumes $values.volumes }}
{{- end }}
metadata:
  labels:
    app: {{ .pod.app | default (ternary "gen3job" .root.Chart.Name $short) }}
    {{- if not $short }}
    hostname: {{ $values.global.hostname | quote }}
    release: {{ $values.release | default "production" }}
    critical-service: {{ $values.criticalService | default (quote "false") }}
    {{- range $label, $services := include "gen3.labels" . | fromYaml }}
    {{- if has $.root.Chart.Name $services }}
    {{ $label }}: "yes"
    {{- end }}
    {{- end }}
  {{- with $values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
    {{- end }}
spec:
  {{- $account := hasKey .pod "account" | ternary .pod.account (ternary (include "gen3.account" .) "" (and (hasKey .about "account") (not $short))) }}
  {{- with $account }}
  serviceAccountName: {{ . }}
  {{- end }}
  {{- if and $values.global.topologySpread.enabled (not $short) }}
  {{- with $values.global.topologySpread }}
  topologySpreadConstraints:
    - maxSkew: {{ .maxSkew }}
      topologyKey: {{ .topologyKey }}
      whenUnsatisfiable: {{ .whenUnsatisfiable | default "ScheduleAnyway" }}
      labelSelector: {matchLabels: {app: {{ $.pod.app | default $.root.Chart.Name }}}}
  {{- end }}
  {{- end }}
  volumes:
    {{- toYaml $volumes | nindent 4 }}
  {{- with .pod.init }}
  initContainers:
    {{- range $name, $image := . }}
    - name: {{ $name }}
      image: {{ $image | default $own | quote }}
      env:
        {{- toYaml $env | nindent 8 }}
    {{- end }}
  {{- end }}
  containers:
    {{- $pod := .pod }}
    {{- range $name, $image := .pod.containers | default (dict .root.Chart.Name "") }}
    - name: {{ $name }}
      image: {{ $image | default $own | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy | default "Always" }}
      {{- with $pod.command }}
      args: {{ toJson . }}
      {{- end }}
      {{- with $pod.port }}
      ports:
        - {name: http, containerPort: {{ . }}}
      {{- end }}
      {{- with $pod.probe }}
      livenessProbe: &probe
        httpGet: {path: {{ . | quote }}, port: {{ $pod.port }}}
      readinessProbe: *probe
      {{- end }}
      env:
        {{- toYaml $env | nindent 8 }}
      envFrom:
        {{- toYaml $from | nindent 8 }}
      {{- with $values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
{{- end }}
