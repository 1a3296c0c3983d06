/** Decides where telemetry goes: what the configuration says, and for what it leaves open the variables that OpenTelemetry has made usual. */
import { Secret } from '../core/secret.ts'
import type { Environment } from './environment.ts'
import { isLoopback } from './loopback.ts'
import type { Config } from './schema.ts'
import { readSecret } from './secret-source.ts'

export type TelemetryConfig = NonNullable<Config['telemetry']>

export interface TelemetryTarget {
  /** Without the path of a signal, and without a slash at the end. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, Secret>>
  readonly serviceName: string
  /** Further attributes of the resource. */
  readonly attributes: Readonly<Record<string, string>>
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
const ENDPOINT = /^https?:\/\/[^\s#@?]+$/

/** What is wrong with where telemetry would go; undefined when nothing is. Names the variable, and never a value of it. */
export function targetProblem(
  { endpoint, plaintext }: Pick<TelemetryConfig, 'endpoint' | 'plaintext'>,
  environment: Environment,
): { readonly wrong: string; readonly right: string } | undefined {
  const url = endpoint ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT']
  const from = endpoint === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'the endpoint'
  if (url === undefined || url === '')
    return { wrong: 'no collector is named', right: 'set endpoint, or OTEL_EXPORTER_OTLP_ENDPOINT' }
  if (!ENDPOINT.test(url) || !URL.canParse(url))
    return { wrong: `${from} is no URL of a collector`, right: 'use one such as https://collector:4318' }
  const { protocol, hostname } = new URL(url)
  if (plaintext === undefined && protocol === 'https:') return undefined
  if (plaintext !== undefined && isLoopback(hostname)) return undefined
  return {
    wrong: `${from} has to be https`,
    right: 'use https; http is possible with plaintext: loopback-only, to a loopback address',
  }
}

/** Throws SecretError for a header whose secret cannot be read. Call it when `targetProblem` finds none. */
export function telemetryTarget(config: TelemetryConfig, environment: Environment): TelemetryTarget {
  const ownHeaders = Object.entries(config.headers).map(
    ([name, source]) => [name, readSecret(source, environment)] as const,
  )
  // A credential from the environment is for the collector of the environment, and for no other.
  const others = config.endpoint === undefined ? headersOf(environment['OTEL_EXPORTER_OTLP_HEADERS'] ?? '') : []
  const { 'service.name': named, ...attributes } = Object.fromEntries(
    pairsOf(environment['OTEL_RESOURCE_ATTRIBUTES'] ?? ''),
  )
  const endpoint = config.endpoint ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? ''
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    headers: Object.fromEntries([...others, ...ownHeaders]),
    serviceName: config.serviceName ?? (environment['OTEL_SERVICE_NAME'] || named || 'portcullis'),
    attributes,
  }
}

const headersOf = (list: string): readonly (readonly [string, Secret])[] =>
  pairsOf(list)
    .filter(([name, value]) => HEADER_NAME.test(name) && !/[\r\n\0]/.test(value))
    .map(([name, value]) => [name.toLowerCase(), new Secret(value)])

/** `key=value,key=value`, percent-encoded. What has another form is left out. */
function pairsOf(list: string): readonly (readonly [string, string])[] {
  return list.split(',').flatMap((entry): readonly (readonly [string, string])[] => {
    const at = entry.indexOf('=')
    const name = entry.slice(0, at).trim()
    try {
      return at < 1 || name === '' ? [] : [[name, decodeURIComponent(entry.slice(at + 1).trim())]]
    } catch {
      return []
    }
  })
}
