{{- define "devicegate.name" -}}
{{ .Release.Name }}
{{- end }}

{{- define "devicegate.labels" -}}
app.kubernetes.io/name: devicegate
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "devicegate.selector" -}}
app.kubernetes.io/name: devicegate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "devicegate.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* Settings that are secrets: they come from the Secret. A test compares the list with the program. */ -}}
{{- define "devicegate.secretNames" -}}
ADMIN_TOKENS AUDIT_WEBHOOK_SECRET AUDIT_WEBHOOK_URL DATABASE_URL DB_PASSWORD ENTERPRISE_API_SECRET_KEY INTROSPECTION_CLIENTS OTEL_EXPORTER_OTLP_HEADERS REDIS_PASSWORD REDIS_URL SECRET_KEY SECRET_KEY_PREVIOUS SMTP_URL
{{- end }}

{{- /* A number keeps its digits: Helm reads 1000000 as 1e+06. */ -}}
{{- define "devicegate.settings" -}}
{{- $secrets := splitList " " (include "devicegate.secretNames" .) }}
{{- range $name, $value := .Values.settings }}
{{- if has $name $secrets }}
{{- fail (printf "settings.%s is a secret: put it into the Secret %s (secret.name) instead" $name $.Values.secret.name) }}
{{- end }}
- name: {{ $name }}
  value: {{ if kindIs "string" $value }}{{ $value | quote }}{{ else }}{{ $value | toJson | quote }}{{ end }}
{{- end }}
{{- end }}

{{- define "devicegate.secrets" -}}
{{- range .Values.secret.required }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.secret.name }}
      key: {{ . }}
{{- end }}
{{- range .Values.secret.optional }}
- name: {{ . }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.secret.name }}
      key: {{ . }}
      optional: true
{{- end }}
{{- end }}

{{- define "devicegate.env" -}}
{{- include "devicegate.settings" . }}
- name: OPS_ADDR
  value: ":9090"
- name: DATA_DIR
  value: /data
{{- if .Values.connections }}
- name: CONNECTIONS_FILE
  value: /etc/devicegate/connections/connections.yaml
{{- end }}
{{- if .Values.samlKeySecret }}
- name: SAML_SP_KEY_FILE
  value: /etc/devicegate/saml/saml-sp.pem
- name: SAML_SP_KEY_FILE_NEXT
  value: /etc/devicegate/saml/saml-sp-next.pem
- name: SAML_SP_KEY_FILE_PREVIOUS
  value: /etc/devicegate/saml/saml-sp-previous.pem
{{- end }}
{{- include "devicegate.secrets" . }}
{{- end }}

{{- define "devicegate.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "devicegate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "devicegate.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- if .Values.connections }}
- name: connections
  mountPath: /etc/devicegate/connections
  readOnly: true
{{- end }}
{{- if .Values.samlKeySecret }}
- name: saml
  mountPath: /etc/devicegate/saml
  readOnly: true
{{- end }}
{{- end }}

{{- define "devicegate.volumes" -}}
- name: data
  emptyDir: {}
- name: tmp
  emptyDir: {}
{{- if .Values.connections }}
- name: connections
  configMap:
    name: {{ include "devicegate.name" . }}-connections
{{- end }}
{{- if .Values.samlKeySecret }}
- name: saml
  secret:
    secretName: {{ .Values.samlKeySecret }}
    defaultMode: 288
{{- end }}
{{- end }}

{{- define "devicegate.scheduling" -}}
serviceAccountName: {{ include "devicegate.name" . }}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
