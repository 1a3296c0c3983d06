/** Looks for what `exporters` refers to: authorities, certificates, keys, secrets, folders, tenants. */
import { dirname } from 'node:path'
import type { Environment } from './environment.ts'
import { attempt, type Finding, readable, secretProblem } from './finding.ts'
import type { Config, ExporterConfig } from './schema.ts'
import { readPrivateFile } from './secret-source.ts'

export function checkExporters(config: Config, environment: Environment): readonly Finding[] {
  return Object.entries(config.exporters).flatMap(([name, exporter]) => {
    const base = ['exporters', name]
    return [...checkTenantNames(config, exporter, base), ...checkSink(exporter, base, environment)]
  })
}

/** A name that no tenant has would mean that its records go nowhere, and nobody is told. */
function checkTenantNames(
  { tenants }: Config,
  exporter: ExporterConfig,
  base: readonly PropertyKey[],
): readonly Finding[] {
  if (tenants === undefined) return []
  return (exporter.tenants ?? []).flatMap((tenant, index): readonly Finding[] =>
    tenant === '@gateway' || Object.hasOwn(tenants, tenant)
      ? []
      : [
          {
            path: [...base, 'tenants', index],
            wrong: `there is no tenant ${tenant}`,
            right: 'name one of tenants, or @gateway',
          },
        ],
  )
}

function checkSink(
  exporter: ExporterConfig,
  base: readonly PropertyKey[],
  environment: Environment,
): readonly Finding[] {
  const { file, syslog, otlp, webhook } = exporter
  if (file !== undefined) return readable(dirname(file.path), [...base, 'file', 'path'], 'folder')
  const kind = syslog ? 'syslog' : otlp ? 'otlp' : 'webhook'
  const { ca, certificate, key } = syslog ?? otlp ?? webhook ?? {}
  const at = [...base, kind]
  return [
    ...(ca === undefined ? [] : readable(ca, [...at, 'ca'], 'file')),
    ...(certificate === undefined ? [] : readable(certificate, [...at, 'certificate'], 'file')),
    ...(key === undefined ? [] : attempt([...at, 'key'], () => readPrivateFile(key))),
    ...Object.entries((otlp ?? webhook)?.headers ?? {}).flatMap(([header, source]) =>
      secretProblem(source, [...at, 'headers', header], environment),
    ),
    ...(webhook?.secrets ?? []).flatMap((source, index) =>
      secretProblem(source, [...at, 'secrets', index], environment),
    ),
    ...(webhook?.signingKey ? secretProblem(webhook.signingKey, [...at, 'signingKey'], environment) : []),
  ]
}
