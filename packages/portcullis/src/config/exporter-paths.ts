/** What of `exporters` no program is given, and what none may change. */
import type { Config, SecretSource } from './schema.ts'

/** What the gateway alone may know: files with secrets and keys, and the records that leave. */
export function exporterFiles(exporters: Config['exporters']): readonly string[] {
  return Object.values(exporters).flatMap(({ file, syslog, otlp, webhook }) => {
    const receiver = otlp ?? webhook
    const secrets: readonly SecretSource[] = [
      ...Object.values(receiver?.headers ?? {}),
      ...(webhook?.secrets ?? []),
      ...(webhook?.signingKey ? [webhook.signingKey] : []),
    ]
    const files = [file?.path, (syslog ?? receiver)?.key, ...secrets.map((secret) => secret.file)]
    return files.filter((one) => one !== undefined)
  })
}

/** Whom to believe: no secret, but whoever could replace one could take the records. */
export function exporterAuthorities(exporters: Config['exporters']): readonly string[] {
  const files = Object.values(exporters).map(({ syslog, otlp, webhook }) => (syslog ?? otlp ?? webhook)?.ca)
  return files.filter((file) => file !== undefined)
}
