/** Configuration to exporters: the formats, the receivers and the files by which records leave. Loaded only where some are configured. */
import { randomInt } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, write } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Cursor } from '../audit/export/cursor.ts'
import { DeadLetters } from '../audit/export/dead-letters.ts'
import type { Format, Origin } from '../audit/export/event.ts'
import { Exporter } from '../audit/export/exporter.ts'
import { type ExporterEntry, Exporters } from '../audit/export/exporters.ts'
import { FileSink } from '../audit/export/file-sink.ts'
import { cefFormat } from '../audit/export/format-cef.ts'
import { formatJson } from '../audit/export/format-json.ts'
import { ocsfFormat } from '../audit/export/format-ocsf.ts'
import { otlpSink } from '../audit/export/otlp-sink.ts'
import type { Sink } from '../audit/export/sink.ts'
import { streamSink } from '../audit/export/stream-sink.ts'
import { SyslogSink } from '../audit/export/syslog-sink.ts'
import { type WebhookKeys, webhookSecret, webhookSigningKey } from '../audit/export/webhook-message.ts'
import { webhookSink } from '../audit/export/webhook-sink.ts'
import { chainFolder } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config, ExporterConfig, SecretSource } from '../config/schema.ts'
import { readPrivateFile, readSecret, SecretError } from '../config/secret-source.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import type { Prover } from '../core/tls-agent.ts'
import { privateFolder, readPrivate, writeWholeAside } from '../pki/private-file.ts'
import { PRODUCT } from './product.ts'
import { trustedServer } from './trusted-server.ts'

export interface ExporterParts {
  readonly config: Pick<Config, 'exporters'>
  readonly layout: StateLayout
  readonly clock: Clock
  readonly log: Logger
  readonly environment: Environment
  readonly prover: Prover
}

/** Throws SecretError, PkiError, CursorDamaged, and what the file system throws. */
export function buildExporters(parts: ExporterParts): Exporters {
  const { config, layout, clock } = parts
  privateFolder(layout.exports)
  removeDrafts(layout.exports)
  const origin: Origin = { version: PRODUCT.version, hostName: hostname(), pid: process.pid }
  const entries = Object.entries(config.exporters).map(([name, exporter]) => entryOf(name, exporter, origin, parts))
  return new Exporters(entries, layout.audit, clock)
}

/** What a process left that was killed while it wrote down a place. */
function removeDrafts(folder: string): void {
  for (const name of readdirSync(folder)) if (/\.json\.[0-9a-f]{12}$/.test(name)) rmSync(join(folder, name))
}

function entryOf(name: string, config: ExporterConfig, origin: Origin, parts: ExporterParts): ExporterEntry {
  const { layout, clock, log } = parts
  const { tenants, kinds, batch, deadlineSeconds, attempts, required, maxLagSeconds, begin } = config
  const { kind, open } = sinkOf(name, config, origin, parts)
  const format = formatOf(config.format, origin)
  const deadlineMs = deadlineSeconds * 1_000
  const exporter = new Exporter({
    ...{ name, format, sink: open(), clock, log },
    cursor: cursorOf(join(layout.exports, `${name}.json`), name, log),
    dead: new DeadLetters(join(layout.exports, `${name}.dead.jsonl`)),
    tenants: tenants && new Set(tenants),
    kinds: kinds && new Set<string>(kinds),
    rules: { maxRecords: batch.records, maxBytes: batch.kilobytes * 1024, waitMs: batch.waitMs, deadlineMs, attempts },
    directoryOf: (tenant) => join(layout.audit, chainFolder(tenant)),
    random: () => randomInt(1_000_000) / 1_000_000,
  })
  const maxLagMs = required ? maxLagSeconds * 1_000 : undefined
  const told = { sinkKind: kind, formatName: config.format, format, openSink: open }
  return { exporter, ...told, deadlineMs, maxLagMs, skipsOld: begin === 'newest' }
}

function cursorOf(file: string, exporter: string, log: Logger): Cursor {
  const kept = {
    path: file,
    read: () => (existsSync(file) ? readPrivate(file) : undefined),
    write: (text: string) => writeWholeAside(file, text, 0o600),
  }
  let isTold = false
  return new Cursor(kept, (error) => {
    if (!isTold)
      log.error('the place of an exporter cannot be kept; after a restart records are sent again', { exporter, error })
    isTold = true
  })
}

function formatOf(name: ExporterConfig['format'], origin: Origin): Format {
  if (name === 'ocsf') return ocsfFormat(origin)
  return name === 'cef' ? cefFormat(origin) : formatJson
}

interface OpenSink {
  readonly kind: string
  readonly open: () => Sink
}

/** Secrets are read once, so that a missing one keeps the gateway from starting. */
function sinkOf(name: string, config: ExporterConfig, origin: Origin, parts: ExporterParts): OpenSink {
  const { clock, environment } = parts
  const trustOf = (trust: Trust) => trusted(name, trust, parts)
  const { file, syslog, otlp, webhook } = config
  if (file !== undefined) {
    const options = { path: file.path, maxBytes: file.maxMegabytes * 1_048_576, keep: file.keep }
    return { kind: 'file', open: () => new FileSink(options) }
  }
  if (syslog !== undefined) {
    const options = { ...syslog, ...trustOf(syslog), origin }
    return { kind: 'syslog', open: () => new SyslogSink(options) }
  }
  if (otlp !== undefined) {
    const options = { url: otlp.url, ...trustOf(otlp), headers: headersOf(otlp.headers, environment), origin }
    return { kind: 'otlp', open: () => otlpSink(options) }
  }
  if (webhook !== undefined) {
    const keys = webhookKeys(webhook, environment)
    const headers = headersOf(webhook.headers, environment)
    const options = { url: webhook.url, ...trustOf(webhook), headers, keys, format: config.format, clock }
    return { kind: 'webhook', open: () => webhookSink(options) }
  }
  return { kind: 'stdout', open: () => streamSink(toStandardOutput) }
}

/** Asking for the stream makes its descriptor one that does not block: a reader that hangs holds up nobody but us. */
function toStandardOutput(bytes: Buffer, offset: number): Promise<number> {
  void process.stdout.writable
  return new Promise((resolve, reject) => {
    write(1, bytes, offset, bytes.length - offset, null, (error, written) => (error ? reject(error) : resolve(written)))
  })
}

interface Trust {
  readonly ca?: string
  readonly certificate?: string
  readonly key?: string
}

const trusted = (name: string, { ca, certificate, key }: Trust, { prover }: ExporterParts) => ({
  ...trustedServer(prover, `exporters.${name}`, ca),
  certificate: certificate === undefined ? undefined : readFileSync(certificate, 'utf8'),
  key: key === undefined ? undefined : readPrivateFile(key).toString('utf8'),
})

const headersOf = (headers: Readonly<Record<string, SecretSource>>, environment: Environment) =>
  Object.fromEntries(Object.entries(headers).map(([name, source]) => [name, readSecret(source, environment)]))

function webhookKeys(
  { secrets, signingKey }: NonNullable<ExporterConfig['webhook']>,
  environment: Environment,
): WebhookKeys {
  const own = signingKey && webhookSigningKey(readSecret(signingKey, environment).reveal())
  if (signingKey !== undefined && own === undefined)
    throw new SecretError(
      'the signing key of a webhook is no Ed25519 key',
      'use PEM, such as that of openssl genpkey -algorithm ed25519',
    )
  return {
    secrets: secrets.map((source) => {
      const secret = webhookSecret(readSecret(source, environment).reveal())
      if (secret !== undefined) return new Secret(secret)
      throw new SecretError(
        'the secret of a webhook has another form',
        'use whsec_ and 24 to 64 random bytes in base64',
      )
    }),
    ...(own && { signingKey: new Secret(own) }),
  }
}
