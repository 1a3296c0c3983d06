/** Makes every path of `exporters` absolute. */
import type { Config, ExporterConfig, SecretSource } from './schema.ts'

type At = (path: string) => string

export const anchorExporters = (exporters: Config['exporters'], at: At): Config['exporters'] =>
  Object.fromEntries(Object.entries(exporters).map(([name, exporter]) => [name, anchorExporter(exporter, at)]))

function anchorExporter(exporter: ExporterConfig, at: At): ExporterConfig {
  const { file, syslog, otlp, webhook } = exporter
  return {
    ...exporter,
    ...(file && { file: { ...file, path: at(file.path) } }),
    ...(syslog && { syslog: anchorTrust(syslog, at) }),
    ...(otlp && { otlp: { ...anchorTrust(otlp, at), headers: anchorHeaders(otlp.headers, at) } }),
    ...(webhook && { webhook: anchorWebhook(webhook, at) }),
  }
}

function anchorWebhook(
  webhook: NonNullable<ExporterConfig['webhook']>,
  at: At,
): NonNullable<ExporterConfig['webhook']> {
  const { signingKey } = webhook
  return {
    ...anchorTrust(webhook, at),
    headers: anchorHeaders(webhook.headers, at),
    secrets: webhook.secrets.map((secret) => anchorSource(secret, at)),
    ...(signingKey && { signingKey: anchorSource(signingKey, at) }),
  }
}

interface Trust {
  readonly ca?: string
  readonly certificate?: string
  readonly key?: string
}

/** Of anything that is sent to a receiver over TLS. */
export function anchorTrust<T extends Trust>(sink: T, at: At): T {
  const { ca, certificate, key } = sink
  return {
    ...sink,
    ...(ca !== undefined && { ca: at(ca) }),
    ...(certificate !== undefined && { certificate: at(certificate) }),
    ...(key !== undefined && { key: at(key) }),
  }
}

type Headers = Readonly<Record<string, SecretSource>>

export const anchorHeaders = (headers: Headers, at: At): Headers =>
  Object.fromEntries(Object.entries(headers).map(([name, source]) => [name, anchorSource(source, at)]))

const anchorSource = (source: SecretSource, at: At): SecretSource =>
  source.file === undefined ? source : { file: at(source.file) }
