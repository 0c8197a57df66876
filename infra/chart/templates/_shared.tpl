{{- define "engines" }}
- { name: SAFE_RETURN_DATABASE, value: "postgresql://{{ .Values.postgres.cluster }}-rw:5432/safe_return?sslmode=verify-full&sslrootcert=/run/database/ca.crt&channel_binding=require" }
- { name: SAFE_RETURN_KAFKA, value: "bus-kafka-bootstrap:9093" }
{{- end }}
{{- define "administrator" }}
- { name: SAFE_RETURN_ADMIN_DATABASE, value: "postgresql://postgres@{{ .Values.postgres.cluster }}-rw:5432/safe_return?sslmode=verify-full&sslrootcert=/run/database/ca.crt&channel_binding=require" }
- { name: PGPASSWORD, valueFrom: { secretKeyRef: { name: database-administrator, key: password } } }
{{- end }}
{{- define "authorities" }}
- { name: kafka-ca, secret: { secretName: bus-cluster-ca-cert, items: [{ key: ca.crt, path: ca.crt }] } }
- { name: database-ca, secret: { secretName: {{ .Values.postgres.cluster }}-ca, items: [{ key: ca.crt, path: ca.crt }] } }
{{- end }}
{{- define "mounts" }}
- { name: kafka-ca, mountPath: /run/kafka, readOnly: true }
- { name: database-ca, mountPath: /run/database, readOnly: true }
- { name: temporary, mountPath: /tmp }
{{- end }}
{{- define "pod-security" }}
securityContext: { runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: { type: RuntimeDefault } }
automountServiceAccountToken: false
{{- end }}
{{- define "container-security" }}
securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
{{- end }}
