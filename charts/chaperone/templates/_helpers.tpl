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
