/** Lists where a configuration gives up a guarantee. Each needs its own word, so none is there by omission. */
import type { Config, SandboxConfig, UpstreamConfig } from './schema.ts'

export interface Weakness {
  /** Dotted path into the configuration. */
  readonly path: string
  /** The word that was written. */
  readonly word: string
  /** What it costs, in one sentence. */
  readonly meaning: string
}

/** To be logged at every start and shown wherever the state of the gateway is shown. */
export function weaknesses(config: Config): readonly Weakness[] {
  const found: Weakness[] = []
  const add = (path: string, word: string, meaning: string) => found.push({ path, word, meaning })
  if (config.listen.plaintext !== undefined) {
    add('listen.plaintext', config.listen.plaintext, 'Programs on this machine can read and change the traffic.')
  }
  if (config.store.kind === 'memory')
    add('store.kind', 'memory', 'Keys and revocations are forgotten when the gateway stops.')
  if (config.audit.durability === 'eventual') {
    add('audit.durability', 'eventual', 'A crash can lose the records of answers that have already left.')
  }
  if (config.identity.dpop.nonce === 'off') {
    add('identity.dpop.nonce', 'off', 'Who could use a key for a moment can make proofs for later.')
  }
  for (const [index, issuer] of config.identity.issuers.entries()) {
    if (issuer.tokenType !== 'any') continue
    add(`identity.issuers[${index}].tokenType`, 'any', 'Tokens that were made for another purpose are accepted too.')
  }
  for (const [name, upstream] of Object.entries(config.upstreams)) found.push(...ofUpstream(name, upstream))
  return found
}

function ofUpstream(name: string, { stdio, http, code }: UpstreamConfig): readonly Weakness[] {
  const found: Weakness[] = []
  const at = `upstreams.${name}`
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
  if (stdio.process === 'shared') {
    found.push({
      path: `${at}.stdio.process`,
      word: 'shared',
      meaning: 'All tenants meet in the memory of one server.',
    })
  }
  for (const [variable, value] of Object.entries(stdio.env)) {
    if (typeof value === 'string') continue
    const word = value.env === undefined ? 'file' : 'env'
    found.push({ path: `${at}.stdio.env.${variable}`, word, meaning: 'The server can read this secret.' })
  }
  return found
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
