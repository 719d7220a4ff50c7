{{/* The labels of everything that the chart makes. */}}
{{- define "chaperone.labels" -}}
app.kubernetes.io/name: chaperone
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The operator as Kubernetes names it, as a CEL string. The schema of the values admits no quotes. */}}
{{- define "chaperone.operator" -}}
'system:serviceaccount:{{ .Release.Namespace }}:{{ .Values.operator.serviceAccountName }}'
{{- end }}

{{/* The operator and the controllers of Kubernetes that clear up, as a CEL list. */}}
{{- define "chaperone.system" -}}
[{{ include "chaperone.operator" . }}
{{- range .Values.admission.systemUsers }}, '{{ . }}'{{ end }}]
{{- end }}

{{/* Puts a policy in force. Argument: a list of its name and the root context. */}}
{{- define "chaperone.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ first . }}
  labels:
    {{- include "chaperone.labels" (last .) | nindent 4 }}
spec:
  policyName: {{ first . }}
  validationActions: [Deny]
{{- end }}

{{/* What names the operator's pods; it never changes. */}}
{{- define "chaperone.operatorSelector" -}}
app.kubernetes.io/name: chaperone
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* The labels of the operator's own resources. */}}
{{- define "chaperone.operatorLabels" -}}
{{ include "chaperone.labels" . }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Where the API server finds a webhook. The operator fills in caBundle. Argument: a list of the path and the root context. */}}
{{- define "chaperone.webhook" -}}
service:
  namespace: {{ (last .).Release.Namespace }}
  name: chaperone-operator
  path: {{ first . }}
  port: 443
{{- end }}

{{/*
The two selections of namespaces for pods. With an AgentConnection no pod is made without the operator; elsewhere
none waits for it. Argument: the root context.
*/}}
{{- define "chaperone.guardedNamespaces" -}}
matchLabels:
  chaperone.dev/guarded: "true"
{{- end }}
{{- define "chaperone.otherNamespaces" -}}
matchExpressions:
  - key: chaperone.dev/guarded
    operator: NotIn
    values: ["true"]
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      {{- range prepend .Values.webhooks.excludedNamespaces .Release.Namespace | uniq }}
      - {{ . }}
      {{- end }}
{{- end }}

{{/* The operator's own pods, which run as its account, do not wait for themselves. */}}
{{- define "chaperone.notTheOperator" -}}
- name: not-the-operator-itself
  expression: >-
    request.namespace != '{{ .Release.Namespace }}' ||
    object.spec.?serviceAccountName.orValue('') != '{{ .Values.operator.serviceAccountName }}'
{{- end }}
