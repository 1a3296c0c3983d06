/**
 * AU-2: nothing that is a secret is printed. Secrets of every kind are planted in a running gateway, used as they are meant to
 * be and as they are not, and looked for in everything that comes out, in every usual encoding.
 */
import assert from 'node:assert/strict'
import { createPublicKey, createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exportJWK } from 'jose'
import * as OTPAuth from 'otpauth'
import { runCommand } from '../../src/cli/main.ts'
import { Canaries, type Sighting } from '../fixtures/canaries.ts'
import { callTool, type Reply, send } from '../fixtures/client.ts'
import { type Collector, startCollector } from '../fixtures/collector.ts'
import { type CountedTool, type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'
import {
  authorizeUrl,
  PASSWORD,
  pkce,
  redeem,
  signInAndAllow,
  type SignInGateway,
  startSignIn,
} from '../fixtures/sign-in.ts'

const SERVER = join(import.meta.dirname, '../fixtures/telling-stdio.ts')
const LOGIN: CountedTool = {
  name: 'login',
  inputSchema: {
    type: 'object',
    properties: { user: { type: 'string' }, pin: { type: 'string', format: 'password' } },
  },
  run: () => ({ content: [{ type: 'text', text: 'welcome' }] }),
}

const canaries = new Canaries()
const secret = (name: string): string =>
  canaries.plant(name, `${name.replaceAll(' ', '-')}-${randomBytes(12).toString('base64url')}`)

const environment = {
  UPSTREAM_KEY: secret('static secret of an upstream'),
  EXCHANGE_SECRET: secret('OAuth client secret towards an upstream'),
  SERVER_SECRET: secret('environment of a server'),
  METRICS_TOKEN: secret('token of the metrics'),
  COLLECTOR_TOKEN: `Bearer ${secret('token of the collector')}`,
}

let upstream: CountingUpstream
let collector: Collector
let gateway: SignInGateway
/** Whatever a caller was told that is no answer to the very question for a secret. */
const answers: string[] = []

const heard = (reply: Pick<Reply, 'text' | 'headers'>): void =>
  void answers.push(`${JSON.stringify(reply.headers)}\n${reply.text}`)

before(async () => {
  ;[upstream, collector] = [await startCounting([ECHO, LOGIN]), await startCollector()]
  const exchange = {
    issuer: 'http://127.0.0.1:1',
    tokenEndpoint: 'http://127.0.0.1:1/token',
    client: { id: 'gateway', secret: { env: 'EXCHANGE_SECRET' } },
    audience: 'swap',
    plaintext: 'loopback-only',
  }
  const http = { url: upstream.url, plaintext: 'loopback-only' }
  const payloads = { arguments: true, results: true }
  gateway = await startSignIn({
    environment,
    upstreams: [],
    policy: 'permit (principal, action, resource);',
    server: {},
    config: {
      listen: { port: 0, metrics: { port: 0, token: { env: 'METRICS_TOKEN' } } },
      telemetry: {
        endpoint: collector.url,
        plaintext: 'loopback-only',
        headers: { authorization: { env: 'COLLECTOR_TOKEN' } },
        principals: 'named',
        tenants: 'named',
        traces: {
          sampling: { perSecond: 10_000 },
          content: { arguments: ['files/login', 'server/*'], results: ['files/login'] },
        },
        metrics: { everySeconds: 1 },
      },
      upstreams: {
        files: { trust: 'trusted', payloads, http: { ...http, headers: { 'x-key': { env: 'UPSTREAM_KEY' } } } },
        mail: { trust: 'trusted', http: { ...http, vault: { of: 'principal' } } },
        swap: { trust: 'trusted', http: { ...http, exchange } },
        server: {
          trust: 'trusted',
          stdio: {
            command: process.execPath,
            args: [SERVER],
            env: { SECRET: { env: 'SERVER_SECRET' } },
            sandbox: { read: [SERVER], memoryMiB: 2048 },
          },
        },
      },
    },
  })
})
after(async () => {
  await gateway?.close()
  await collector.close()
  await upstream.close()
})

/** The gateway's own keys, as they lie in its state folder: what a PEM frame holds, or every long word of another file. */
function plantKeys(): void {
  const entries = readdirSync(gateway.stateFolder, { recursive: true, withFileTypes: true })
  for (const { name, parentPath } of entries.filter((entry) => entry.isFile() && isKeyFile(entry.name))) {
    const text = readFileSync(join(parentPath, name), 'utf8')
    const [, framed = text] = /PRIVATE KEY-----([^-]+)-----END/.exec(text) ?? []
    const open = publicHalf(text)
    const words = (framed.match(/[\w+/=-]{32,}/g) ?? [])
      .filter((word) => !word.includes(gateway.token))
      .filter((word) => open?.includes(Buffer.from(word, 'base64')) !== true)
    for (const [index, word] of words.entries()) canaries.plant(`private key in ${name}, ${index}`, word)
  }
}

/** A key in PKCS #8 ends with its public half, which certificates hold too. */
function publicHalf(text: string): Buffer | undefined {
  const [pem] = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----/.exec(text) ?? []
  return pem === undefined ? undefined : createPublicKey(pem).export({ format: 'der', type: 'spki' })
}

const isKeyFile = (path: string): boolean => /\.(?:keys?|pem)$/.test(path)
const at = (name: string) => ({ url: gateway.endpoint(name) })

async function operate(input: string, ...args: readonly string[]): Promise<void> {
  const status = await runCommand(args, {
    out: (line) => answers.push(line),
    err: (line) => answers.push(line),
    input: async function* () {
      yield Buffer.from(input)
    },
    environment: { ...environment, PORTCULLIS_CONFIG: join(gateway.stateFolder, '..', 'portcullis.yaml') },
    clock: { now: () => Date.now() },
    interrupted: new AbortController().signal,
  })
  assert.equal(status, 0, answers.at(-1))
}

test('secrets are used as they are meant to be', async () => {
  const key = canaries.plant('API key of a caller', await gateway.issue(['user']))
  canaries.plant('API key of an administrator', gateway.token)
  const pin = secret('argument whose role is secret')
  heard(await callTool(gateway, 'login', { user: 'ada', pin }, { ...at('files'), token: key }))
  const deposited = secret('content of the vault')
  await operate(
    `${deposited}\n`,
    'credential',
    'set',
    '-u',
    'mail',
    '--principal',
    String((await gateway.recordOf(key))?.principal),
  )
  heard(await callTool(gateway, 'login', { user: 'ada' }, { ...at('mail'), token: key }))
  assert.ok(
    upstream.seen.some(({ headers }) => headers.authorization === `Bearer ${deposited}`),
    'it was used',
  )
  assert.ok(
    upstream.seen.some(({ headers }) => headers['x-key'] === environment.UPSTREAM_KEY),
    'it was used',
  )
  // Its answer repeats it to the caller; it is kept under seal, and nowhere else.
  await callTool(gateway, 'echo', { text: secret('argument that is kept under seal') }, { ...at('files'), token: key })
  heard(await callTool(gateway, 'tell', { words: 'hello' }, { ...at('server'), token: key }))
  const told = await collector.until(() =>
    collector.spans().find((span) => span.kind === 2 && span.name === 'tools/call login'),
  )
  assert.match(String(told.attributes['gen_ai.tool.call.arguments']), /"pin":"\[secret removed\]"/)
})

test('people and programs sign in', async () => {
  canaries.plant('password of a person', PASSWORD)
  const account = await gateway.person('alice')
  const seed = OTPAuth.URI.parse(await gateway.accounts.enrolTotp(account, 'test')) as OTPAuth.TOTP
  canaries.plant('TOTP seed', seed.secret.base32)
  canaries.plant('TOTP seed in bytes', Buffer.from(seed.secret.bytes).toString('latin1'))
  const { id } = await gateway.client()
  const { verifier, challenge } = pkce()
  canaries.plant('PKCE verifier', verifier)
  const browser = gateway.browser()
  const page = await browser.get(
    authorizeUrl(gateway, id, { code_challenge: challenge, resource: gateway.endpoint('files') }),
  )
  const mistyped = secret('password that was mistyped')
  heard(await browser.submit(page, '/sign-in', { name: 'alice', password: mistyped, code: '' }))
  // The page shows what was typed into that field to whoever typed it; nothing else may.
  await browser.submit(page, '/sign-in', { name: secret('password in the field for names'), password: 'x', code: '' })
  const { leadsTo } = await signInAndAllow(browser, page, 'alice', seed.generate())
  const code = canaries.plant('authorization code', leadsTo?.searchParams.get('code') ?? '')
  const { json } = await redeem(gateway, id, code, verifier)
  const token = canaries.plant('access token', json.access_token)
  canaries.plant('refresh token', json.refresh_token)
  heard(await redeem(gateway, id, code, verifier))
  heard(await callTool(gateway, 'login', { user: 'ada' }, { ...at('files'), token }))
  heard(await callTool(gateway, 'login', { user: 'ada' }, { ...at('swap'), token }))
  const robot = await gateway.client({ proof: { kind: 'secret' }, redirects: [], roles: ['user'] })
  const clientSecret = canaries.plant('client secret of a program', robot.secret ?? '')
  const basic = Buffer.from(`${robot.id}:${clientSecret}x`).toString('base64')
  heard(await gateway.tell('/token', { grant_type: 'client_credentials' }, { authorization: `Basic ${basic}` }))
  heard(
    await gateway.tell('/token', {
      grant_type: 'client_credentials',
      client_id: robot.id,
      client_secret: `${clientSecret}x`,
    }),
  )
})

test('secrets turn up where they do not belong', async () => {
  const token = secret('token that is none')
  const url = gateway.endpoint('files')
  heard(await callTool(gateway, 'login', {}, { ...at('files'), token }))
  heard(
    await send(
      gateway,
      { jsonrpc: '2.0', id: 1, method: 'tools/call' },
      { url: `${url}?access_token=${secret('token in a query')}`, token: null },
    ),
  )
  heard(
    await send(gateway, '{', {
      url,
      token: null,
      headers: { cookie: `session=${secret('cookie')}`, 'x-api-key': token },
    }),
  )
  const proof = await proofKey()
  canaries.plant('private key of a caller', String((await exportJWK(proof.privateKey)).d))
  const dpop = canaries.plant('DPoP proof', await proofFor(proof, { url, token }))
  heard(await callTool(gateway, 'login', {}, { url, token: null, headers: { authorization: `DPoP ${token}`, dpop } }))
  heard(await callTool(gateway, 'login', { user: 'ada', more: secret('argument that is not declared') }, { url }))
  const jws = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{}').toString('base64url')}.${createHmac('sha256', 'k').update('x').digest('base64url')}`
  heard(await callTool(gateway, 'login', {}, { url, token: canaries.plant('JWT of a stranger', jws) }))
})

test('an upstream fails with our secret in its hands', async () => {
  const key = environment.UPSTREAM_KEY
  const failures: readonly ((response: ServerResponse) => unknown)[] = [
    (response) => response.writeHead(500, { 'content-type': 'text/plain', 'x-debug': key }).end(`failed with ${key}`),
    (response) => response.writeHead(401, { 'www-authenticate': `Bearer error="${key}"` }).end(key),
    (response) => response.writeHead(302, { location: `http://127.0.0.1:1/?key=${key}` }).end(),
    (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(`{"${key}`),
    (response) => response.writeHead(200, { 'content-type': key }).end('{}'),
    (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${key}\n\n`),
    (response) => response.writeHead(200, { 'mcp-session-id': key }).end(),
    (response) => response.destroy(),
  ]
  for (const fail of failures) {
    upstream.misbehave(({ message }, response) => message?.method === 'tools/call' && (fail(response), true))
    const reply = await callTool(gateway, 'login', { user: 'ada' }, at('files'))
    assert.ok(reply.status >= 400 || reply.json.error !== undefined || reply.json.result?.isError === true, reply.text)
    heard(reply)
  }
  upstream.misbehave(undefined)
})

test('a backup tells none of them to whoever cannot open it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-canaries-'))
  try {
    await operate('', 'backup', 'identity', '-o', join(folder, 'identity.txt'))
    const recipient = answers.find((line) => line.startsWith('age1pq1')) ?? ''
    await operate('', 'backup', 'create', '-o', join(folder, 'backups'), '-r', recipient, '--with-keys')
    assert.equal(readdirSync(join(folder, 'backups')).length, 1)
    assert.deepEqual(canaries.inFolder(join(folder, 'backups')), [])
    // Whoever can open it finds the keys of the gateway that it was asked for, and of everything else only what seals and digests leave.
    await operate(
      '',
      'backup',
      'restore',
      answers.find((line) => line.startsWith(join(folder, 'backups'))) ?? '',
      '-i',
      join(folder, 'identity.txt'),
      '--to',
      join(folder, 'home'),
      '-k',
      join(gateway.stateFolder, 'audit.key.pub'),
    )
    const opened = canaries.inFolder(join(folder, 'home'), isKeyFile)
    assert.deepEqual(opened, [])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('none of them is in any log, span, metric, record, answer or file at rest', async () => {
  const scraped = await send(gateway, undefined, {
    method: 'GET',
    url: `${gateway.metricsUrl}/metrics`,
    token: environment.METRICS_TOKEN,
  })
  assert.match(scraped.text, /portcullis_calls_total/)
  await collector.until(() => collector.points('mcp.server.operation.duration').length > 0)
  plantKeys()
  for (const file of ['audit.key', 'vault.keys', 'tokens.key', 'ca.key', 'server.pem'])
    assert.ok(
      canaries.names.some((name) => name.includes(file)),
      file,
    )
  assert.ok(canaries.names.length >= 34, canaries.names.join(', '))
  assert.ok(gateway.logged.length > 5)
  const found: readonly Sighting[] = [
    ...gateway.logged.flatMap((line) => canaries.inText(line, `log: ${line.slice(0, 300)}`)),
    ...collector.requests.flatMap(({ path, text }) => canaries.inText(text, path)),
    ...canaries.inText(scraped.text, 'metrics'),
    ...answers.flatMap((answer) => canaries.inText(answer, `answer: ${answer.slice(0, 300)}`)),
    ...canaries.inFolder(gateway.stateFolder, isKeyFile),
  ]
  assert.deepEqual(found, [])
  assert.notDeepEqual(canaries.inFolder(gateway.stateFolder), [], 'where a secret is, it is found')
})
