/** Lists where a configuration gives up a guarantee. Each needs its own word, so none is there by omission. */
import { anomalyWeaknesses } from './anomaly-weaknesses.ts'
import { backupWeaknesses } from './backup-weaknesses.ts'
import { exporterWeaknesses } from './exporter-weaknesses.ts'
import { inspectionWeaknesses } from './inspection-weaknesses.ts'
import { telemetryWeaknesses } from './telemetry-weaknesses.ts'
import { maskingWeaknesses } from './masking-weaknesses.ts'
import { revocationWeaknesses } from './revocation-weaknesses.ts'
import { validationWeaknesses } from './validation-weaknesses.ts'
import type { Weakness } from './weakness.ts'
import { witnessWeaknesses } from './witness-paths.ts'
import type { Config, SandboxConfig, UpstreamConfig } from './schema.ts'

/** To be logged at every start and shown wherever the state of the gateway is shown. */
export function weaknesses(config: Config): readonly Weakness[] {
  const found: Weakness[] = []
  const add = (path: string, word: string, meaning: string) => found.push({ path, word, meaning })
  found.push(...ofListener(config), ...ofStore(config), ...ofRedis(config))
  if (config.audit.durability === 'eventual') {
    add('audit.durability', 'eventual', 'A crash can lose the records of answers that have already left.')
  }
  if (config.identity.dpop.nonce === 'off') {
    add('identity.dpop.nonce', 'off', 'Who could use a key for a moment can make proofs for later.')
  }
  const publicClients = config.identity.server?.assertions?.publicClients
  if (publicClients !== undefined) {
    const meaning = 'Whoever has found an identity assertion that was not used yet may use it.'
    add('identity.server.assertions.publicClients', publicClients, meaning)
  }
  for (const [index, { admit, create, title }] of (config.identity.server?.providers ?? []).entries()) {
    if (admit !== 'everybody' || create === 'never') continue
    add(`identity.server.providers[${index}].admit`, admit, `Whoever gets an account at ${title} gets one here.`)
  }
  for (const [index, issuer] of config.identity.issuers.entries()) {
    if (issuer.tokenType !== 'any') continue
    add(`identity.issuers[${index}].tokenType`, 'any', 'Tokens that were made for another purpose are accepted too.')
  }
  if (config.definitions.rollback === 'accepted') {
    const meaning = 'Whoever can write the lock can bring back definitions that were approved before.'
    add('definitions.rollback', 'accepted', meaning)
  }
  found.push(...anomalyWeaknesses(config))
  found.push(...backupWeaknesses(config))
  for (const [name, upstream] of Object.entries(config.upstreams)) found.push(...ofUpstream(name, upstream))
  found.push(...inspectionWeaknesses(config))
  found.push(...maskingWeaknesses(config))
  found.push(...validationWeaknesses(config), ...revocationWeaknesses(config))
  found.push(...exporterWeaknesses(config), ...telemetryWeaknesses(config), ...witnessWeaknesses(config))
  return found
}

function ofListener(config: Config): readonly Weakness[] {
  const found: Weakness[] = []
  const add = (path: string, word: string, meaning: string) => found.push({ path, word, meaning })
  if (config.listen.plaintext !== undefined) {
    add('listen.plaintext', config.listen.plaintext, 'Programs on this machine can read and change the traffic.')
  }
  if (config.listen.tls?.minVersion === 'TLSv1.2') {
    const meaning =
      'With older clients certificates are sent in the clear, and keys are agreed upon without post-quantum help.'
    add('listen.tls.minVersion', 'TLSv1.2', meaning)
  }
  if (config.listen.metrics?.plaintext !== undefined) {
    const meaning = 'Programs on this machine can read the metrics and the token that asks for them.'
    add('listen.metrics.plaintext', config.listen.metrics.plaintext, meaning)
  }
  return found
}

function ofStore({ store: { kind, plaintext } }: Config): readonly Weakness[] {
  const found: Weakness[] = []
  if (kind === 'memory') {
    const meaning = 'Keys and revocations are forgotten when the gateway stops.'
    found.push({ path: 'store.kind', word: kind, meaning })
  }
  if (plaintext !== undefined) {
    const meaning = 'Programs on this machine can read and change what the gateways keep in PostgreSQL.'
    found.push({ path: 'store.plaintext', word: plaintext, meaning })
  }
  return found
}

function ofRedis({ traffic: { redis } }: Config): readonly Weakness[] {
  const found: Weakness[] = []
  if (redis?.plaintext !== undefined) {
    const meaning = 'Programs on this machine can read and change how often who may call.'
    found.push({ path: 'traffic.redis.plaintext', word: redis.plaintext, meaning })
  }
  if (redis?.onLoss === 'local') {
    const meaning =
      'While Redis does not answer each node counts alone, so as many times more passes as there are nodes.'
    found.push({ path: 'traffic.redis.onLoss', word: redis.onLoss, meaning })
  }
  return found
}

function ofUpstream(name: string, { stdio, http, code, trust }: UpstreamConfig): readonly Weakness[] {
  const found: Weakness[] = []
  const at = `upstreams.${name}`
  const unread = code === undefined ? UNREAD[trust] : undefined
  if (unread !== undefined) found.push({ path: `${at}.trust`, word: trust, meaning: unread })
  if (http?.plaintext !== undefined) {
    found.push({
      path: `${at}.http.plaintext`,
      word: http.plaintext,
      meaning: 'Programs on this machine can read and change the traffic to this upstream.',
    })
  }
  if (code !== undefined) found.push(...ofSandbox(`${at}.code.sandbox`, code.sandbox))
  for (const key of ['oauth', 'exchange'] as const) {
    const word = http?.[key]?.plaintext
    const meaning = 'Programs on this machine can read and change the traffic to its authorization server.'
    if (word !== undefined) found.push({ path: `${at}.http.${key}.plaintext`, word, meaning })
  }
  if (http?.oauth?.visitor === 'anyone-with-the-link') {
    found.push({
      path: `${at}.http.oauth.visitor`,
      word: http.oauth.visitor,
      meaning: 'A person can be talked into connecting an account for somebody else.',
    })
  }
  if (stdio === undefined) return found
  found.push(...ofSandbox(`${at}.stdio.sandbox`, stdio.sandbox))
  const met = MET[stdio.process]
  if (met !== undefined) found.push({ path: `${at}.stdio.process`, word: stdio.process, meaning: met })
  for (const [variable, value] of Object.entries(stdio.env)) {
    if (typeof value === 'string') continue
    const word = value.env === undefined ? 'file' : 'env'
    found.push({ path: `${at}.stdio.env.${variable}`, word, meaning: 'The server can read this secret.' })
  }
  return found
}

const UNREAD: Readonly<Partial<Record<UpstreamConfig['trust'], string>>> = {
  reviewed: 'What it says at first reaches models unread, unless a heuristic objects.',
  trusted: 'What it says reaches models unread, however it changes.',
}

const MET: Readonly<Partial<Record<NonNullable<UpstreamConfig['stdio']>['process'], string>>> = {
  'per-tenant': 'All principals of a tenant meet in the memory of one server.',
  shared: 'All tenants meet in the memory of one server.',
}

const WEAK_DRIVERS: Readonly<Record<string, string>> = {
  none: 'The program runs with all the rights of the gateway.',
  seatbelt: 'The program shares the processes, the memory and the disk of this machine without a limit.',
}

function ofSandbox(at: string, { driver, network }: SandboxConfig): readonly Weakness[] {
  const found: Weakness[] = []
  const meaning = WEAK_DRIVERS[driver]
  if (meaning !== undefined) found.push({ path: `${at}.driver`, word: driver, meaning })
  for (const [index, rule] of (network?.allow ?? []).entries()) {
    const path = `${at}.network.allow[${index}]`
    if (rule.private !== undefined) {
      found.push({
        path: `${path}.private`,
        word: rule.private,
        meaning: `The program can reach services of this machine and its network under the name ${rule.host}.`,
      })
    }
    if (rule.tls !== undefined) {
      found.push({
        path: `${path}.tls`,
        word: rule.tls,
        meaning: `The gateway reads what the program and ${rule.host} say to each other.`,
      })
    }
  }
  return found
}
