{{/* One service: a Deployment and a Service. Takes name, values, and the chart's own context as root. */}}
{{- define "gen3.service" -}}
{{- if .values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}-deployment
  labels:
    app: {{ .name }}
spec:
  replicas: {{ .values.replicaCount }}
  selector:
    matchLabels:
      app: {{ .name }}
  template:
    metadata:
      labels:
        app: {{ .name }}
    spec:
      containers:
        - name: {{ .name }}
          image: "{{ .values.image.repository }}:{{ .values.image.tag }}"
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          env:
            - name: HOSTNAME
              value: {{ .root.Values.global.hostname | quote }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}-service
spec:
  selector:
    app: {{ .name }}
  ports:
    - port: 80
      name: http
{{- end }}
{{- end }}

{{/* One secret from Secrets Manager. Takes name, key, and the chart's own context as root. */}}
{{- define "gen3.externalSecret" -}}
{{- if .root.Values.global.externalSecrets.deploy }}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ .name }}
spec:
  secretStoreRef:
    name: gen3-secret-store
    kind: SecretStore
  target:
    name: {{ .name }}
  data:
    - secretKey: value
      remoteRef:
        key: {{ .key }}
{{- end }}
{{- end }}
