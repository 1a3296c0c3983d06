// Each word that the schema offers beside the default is listed as a weakness, or said to be harmless with a reason.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConfigKey, configKeys } from '../../src/config/keys.ts'
import { configSchema, type Config } from '../../src/config/schema.ts'
import type { SchemaNode } from '../../src/config/schema-node.ts'
import { FAMILIES, PLACES } from '../../src/core/inspection-words.ts'
import { weaknesses } from '../../src/config/weaknesses.ts'
import { HARMLESS } from './harmless-words.ts'
import { expanded } from './proofs.ts'

const S = { env: 'S' }
const IMAGE = `i@sha256:${'0'.repeat(64)}`
const GUESTS = { create: 'on-first-sign-in' }
const SANDBOX = {
  network: { allow: [{ host: 'api.example', ports: [80], credential: { header: 'x-key', value: S } }] },
}
const KEYS = { id: 'k', algorithm: 'ed25519' }
const VERDICTS = {
  on: Object.fromEntries(FAMILIES.map((name) => [name, {}])),
  roles: Object.fromEntries(PLACES.map((name) => [name, {}])),
  results: {},
}
const LEVEL = { kinds: {}, fields: { a: 'mask' }, paths: { '/a': 'mask' } }
const LEVELS = { arguments: LEVEL, results: LEVEL }

/** Has every map that there can be, so that each word has its place. It need not make sense. */
function everything(): Config {
  const argument = (rule: object) => ({ arguments: { x: rule } })
  const tools = {
    sql: { ...VERDICTS, ...argument({ sql: {} }) },
    shell: { ...VERDICTS, ...argument({ shell: { programs: { p: {} } } }) },
    path: argument({ path: {} }),
    url: argument({ url: {} }),
    host: argument({ host: {} }),
  }
  const https = { url: 'https://a.example/mcp' }
  const server = { url: 'https://a.example/' }
  const issuer = { issuer: 'https://i.example' }
  return configSchema.parse({
    ...{ version: 1, state: 'state', store: {} },
    listen: {
      tls: { authority: 'local', clientCertificates: { authorities: ['ca'] } },
      metrics: {},
      revocation: { plaintext: 'loopback-only' },
    },
    identity: {
      issuers: [issuer],
      dpop: {},
      server: {
        providers: [
          { name: 'p', title: 'P', clientId: 'c', clientSecret: S, admit: 'everybody', ...GUESTS, ...issuer },
        ],
        assertions: { issuers: [issuer] },
      },
      signatures: {
        keys: [{ ...KEYS, publicKey: 'k', credential: 'c' }],
        answers: { ...KEYS, key: S },
      },
    },
    upstreams: {
      program: {
        stdio: { command: 'x', sandbox: { ...SANDBOX, driver: 'container', container: { image: IMAGE } } },
        inspection: { ...VERDICTS, tools },
        masking: { ...LEVELS, tools: { t: LEVELS } },
        payloads: { tools: { t: {} } },
        signatures: { requests: { ...KEYS, key: S }, expect: { ...KEYS, publicKey: 'k' } },
      },
      snippets: { code: { sandbox: { ...SANDBOX, driver: 'container', container: { image: IMAGE } } } },
      oauth: { http: { ...https, oauth: { mode: 'per-user' } } },
      exchange: {
        http: {
          ...https,
          exchange: {
            ...{ issuer: 'https://i.example', tokenEndpoint: 'https://i.example/t' },
            ...{ client: { id: 'c', secret: S }, audience: 'a' },
          },
        },
      },
      vault: { http: { ...https, vault: { of: 'tenant' } } },
    },
    outbound: {},
    tenants: { default: { upstreams: [], policy: { files: ['p'] }, masking: LEVELS } },
    masking: LEVELS,
    inspection: { ...VERDICTS, results: { classifier: { url: 'https://c.example/' } } },
    traffic: {
      redis: { url: 'rediss://r.example:6379' },
      lists: {
        blocked: [{ kind: 'address', value: '192.0.2.1' }],
        allowed: [{ kind: 'address', value: '192.0.2.1' }],
        files: [{ file: 'f' }],
      },
    },
    dataProtection: {
      keyEncryption: { driver: 'aws-kms', aws: { key: 'k', region: 'eu-central-1' } },
      previous: [{ driver: 'aws-kms', aws: { key: 'l', region: 'eu-central-1' } }],
    },
    audit: {
      witness: {
        file: { file: { path: 'w' } },
        git: { git: { repository: 'r' } },
        https: { https: { url: 'https://w.example/' } },
        stamps: { timestamp: { url: 'https://t.example/', authorities: 'a', path: 'p' } },
      },
    },
    exporters: {
      syslog: { syslog: { host: 'siem.example' } },
      otlp: { otlp: server },
      webhook: { webhook: { ...server, secrets: [S] } },
    },
    telemetry: { endpoint: 'https://c.example', traces: {}, logs: {}, metrics: {} },
  }) as Config
}

const skeleton = everything()

/** The words of a key that are not what holds without it. */
function wordsOf({ node }: ConfigKey): readonly unknown[] {
  const usual = Array.isArray(node.default) ? node.default : [node.default]
  return offered(node).filter((word) => !usual.includes(word))
}

function offered(node: SchemaNode): readonly unknown[] {
  if (node.const !== undefined) return [node.const]
  if (node.enum !== undefined) return node.enum
  if (node.type === 'boolean') return [true, false]
  if (node.type === 'array') return node.items === undefined ? [] : offered(node.items)
  return (node.anyOf ?? []).flatMap(offered)
}

/** Puts it wherever the path leads in `value`; says whether there was such a place. */
function put(value: unknown, path: readonly string[], word: unknown): boolean {
  const [step = '', ...rest] = path
  if (typeof value !== 'object' || value === null) return false
  const map = value as Record<string, unknown>
  if (rest.length > 0) {
    const names = step === 'NAME' || step === '[]' ? Object.keys(map) : [step]
    return names.map((name) => put(map[name], rest, word)).some(Boolean)
  }
  for (const name of step === 'NAME' ? Object.keys(map) : [step]) map[name] = word
  return true
}

/** Whether the list tells of the word once it is there. */
function isListed(key: string, word: unknown, isList: boolean): boolean {
  const config = structuredClone(skeleton)
  const said = isList ? [word] : word
  assert.ok(put(config, key.replaceAll('[]', '.[]').split('.'), said), `the skeleton has no place for ${key}`)
  return weaknesses(config).some(({ path, word: told }) => told === String(word) && matches(key, path))
}

/** Whether a path of the list is one of the key. */
function matches(key: string, path: string): boolean {
  const pattern = key
    .split('.')
    .map((part) => (part === 'NAME' ? String.raw`[^.]+` : part.replace('[]', String.raw`\[\d+\]`)))
    .join(String.raw`\.`)
  return new RegExp(`^${pattern}$`).test(path)
}

const harmless = Object.values(HARMLESS).flatMap((entries) =>
  entries.flatMap(([pattern, words]) => expanded(pattern).map((key) => ({ key, words: words.split(' ') }))),
)

function isHarmless(key: string, word: unknown): boolean {
  const last = key.split('.').at(-1)
  return harmless.some(
    ({ key: known, words }) =>
      (known.endsWith('*') ? key.startsWith(known.slice(0, -1)) : known === key) &&
      words.some(
        (one) => one === '*' || one === String(word) || one === `${last}:*` || one === `${last}:${String(word)}`,
      ),
  )
}

const keys = [...configKeys()].map((key) => ({ ...key, words: wordsOf(key) })).filter(({ words }) => words.length > 0)

test('each word is a weakness that the list knows, or harmless for a reason', () => {
  assert.ok(keys.length > 200)
  const unknown = keys.flatMap(({ path, node, words }) =>
    words
      .filter((word) => !isHarmless(path, word) && !isListed(path, word, node.type === 'array'))
      .map((word) => `${path}: ${String(word)}`),
  )
  assert.deepEqual(unknown, [])
})

test('each word that is said to be harmless is one that the schema offers', () => {
  const stale = harmless.filter(({ key: known, words }) => {
    const meant = keys.filter(({ path }) =>
      known.endsWith('*') ? path.startsWith(known.slice(0, -1)) : path === known,
    )
    const isOffered = (word: string) =>
      word === '*' || meant.some(({ words: own }) => own.some((one) => String(one) === word.replace(/^\w+:/, '')))
    return meant.length === 0 || !words.some((word) => isOffered(word) || word.endsWith(':*'))
  })
  assert.deepEqual(
    stale.map(({ key }) => key),
    [],
  )
})
