/** Failing closed: every route that changes something, asked while its record cannot be written. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Memory } from '../../src/anomalies/memory.ts'
import { Watch } from '../../src/anomalies/watch.ts'
import { ADMIN_ROUTES } from '../../src/admin/routes.ts'
import { routed } from '../../src/admin/router.ts'
import { parseConfig } from '../../src/config/load.ts'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Authenticated } from '../../src/core/principal.ts'
import { Secret } from '../../src/core/secret.ts'
import type { LiveView } from '../../src/gateway/administration.ts'
import { adminView } from '../../src/gateway/build-administration.ts'
import { BlockList } from '../../src/traffic/block-list.ts'
import { RevocationList } from '../../src/identity/revocation.ts'
import { makeRequest } from '../../src/pki/authority/request.ts'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { SessionTable } from '../../src/upstream/relay/session-table.ts'
import { testKeys } from '../fixtures/keys.ts'

const NOW = 1_800_000_000_000
const clock = { now: () => NOW }
const folder = mkdtempSync(join(tmpdir(), 'portcullis-unrecorded-'))
mkdirSync(join(folder, 'state'), { mode: 0o700 })
writeFileSync(join(folder, 'access.cedar'), 'permit (principal in Role::"admin", action, resource);')
after(() => rmSync(folder, { recursive: true }))

const CONFIG = `version: 1
state: state
policy: { files: [access.cedar] }
identity: { server: { providers: [{ name: acme, title: Acme, issuer: 'https://acme.example', clientId: us, clientSecret: { env: X } }] } }
upstreams: { mail: { http: { url: 'https://mail.example', vault: { of: tenant } } } }
`

const { request: REQUEST } = await makeRequest()

const BODIES: Readonly<Record<string, object>> = {
  createKey: { name: 'made', roles: ['user'] },
  inviteUser: { name: 'made', roles: ['user'] },
  setUserRoles: { roles: ['admin'] },
  createClient: { name: 'made', redirects: ['http://127.0.0.1/callback'] },
  addRevocation: { kind: 'principal', id: 'key:x' },
  addBlock: { kind: 'principal', value: 'key:x' },
  setHold: { reason: 'law' },
  recordBackup: { id: 'b', manifest: 'm', folder: '/b', bytes: 1, privateKeys: false },
  liftHold: { reason: 'law' },
  removeBlock: { kind: 'principal', value: 'key:y' },
  shredTenant: { confirm: 'default' },
  depositCredential: { value: 'a secret' },
  addLink: { provider: 'acme', subject: 'new' },
  approveDefinitions: { items: [{ item: 'tool/do', digest: 'a'.repeat(64) }] },
  removeLink: { provider: 'acme', subject: 'old' },
  issueCertificate: { use: 'client', names: ['a.example'], request: REQUEST },
  renewCertificate: { request: REQUEST },
}
/** They ask, and change nothing. */
const QUESTIONS = ['checkPolicies', 'explainPolicy']

async function site() {
  const stores = openMemoryStores()
  const revocations = new RevocationList({
    ...{ store: stores.revocations, clock, pollMs: 1_000, staleAfterMs: 10_000, onProblem: () => {} },
  })
  const blocks = new BlockList({ store: stores.blocks, clock, pollMs: 1_000, onProblem: () => {} })
  await blocks.block({ kind: 'principal', tenant: 'default', value: 'key:y', reason: 'r', source: 's' })
  const config = parseConfig(CONFIG, join(folder, 'portcullis.yaml'), { X: 'x' })
  let writable = true
  let restarts = 0
  let approvals = 0
  let tests = 0
  const chains = {
    append: async () => (writable ? undefined : Promise.reject(new Fault('audit.unavailable'))),
    rotate: async () => ({ key: 'k', chains: 1, waiting: [] }),
  }
  const sessions = new SessionTable({ perPrincipal: 5, total: 5, idleMs: 60_000 }, clock)
  const upstream = { name: 'mail', catalogue: { list: () => [] }, restart: async () => ++restarts }
  const definitions = { mustBeAsShown() {}, approve: () => void approvals++ }
  const anomalies = { watch: unusual(clock) }
  const exporters = { status: [{ name: 'siem' }], test: async () => ({ delivered: true, tests: ++tests }) }
  let backups = 0
  const backup = { status: { isConfigured: true, isRunning: false }, run: async () => ++backups, begin: async () => [] }
  const live = {
    anomalies,
    exporters,
    backups: backup,
    sessions,
    definitions,
    upstreams: new Map([['mail', upstream]]),
  } as unknown as LiveView
  const keys = testKeys(stores, join(folder, 'state'), clock)
  const view = adminView(
    { config, clock, stores, chains, keys, revocations, blocks, publicUrl: 'https://127.0.0.1:8443' },
    live,
  )
  const authority = await view.authority.open()
  const wish = {
    tenant: 'default',
    use: 'client',
    names: ['a.example'],
    lifeMs: 1e9,
    request: REQUEST,
    by: 'me',
  } as const
  const { issued } = await authority.issue(wish, async () => {})
  const key = { id: 'k', digest: 'd', tenant: 'default', principal: 'key:k', name: 'k', roles: ['user'], createdAt: 1 }
  await stores.apiKeys.insert(key)
  const client = { id: 'c', tenant: 'default', name: 'c', metadata: '{}', secretDigest: 'x', roles: [], createdAt: 1 }
  await stores.clients.insert({ ...client, origin: 'operator' })
  await stores.accounts.insert({
    id: 'a',
    tenant: 'default',
    name: 'alice',
    roles: ['user'],
    createdAt: 1,
    totp: 'sealed',
  })
  await stores.grants.put({ kind: 'Grant', digest: 'g'.repeat(43), payload: '{}', expiresAt: NOW + 1e6, account: 'a' })
  const of = { account: 'a', tenant: 'default', createdAt: 1 }
  await stores.accountLinks.add({ ...of, issuer: 'https://acme.example', subject: 'old', origin: 'operator' })
  const passkey = { publicKey: 'x', counter: 0, transports: [], synced: false, label: 'x' }
  await stores.passkeys.add({ ...of, ...passkey, id: 'p' }, 10)
  const principal = {
    id: 'key:k',
    tenant: 'default',
    roles: ['user'],
    credential: { kind: 'api-key', id: 'k' },
  } as const
  sessions.open(principal, { kind: 'aggregate' }, { info: {}, capabilities: {}, version: '2025-11-25' })
  const credentialName = { tenant: 'default', upstream: 'mail', kind: 'static' } as const
  await view.vault().put(credentialName, new Secret('old'))
  const holds = join(folder, 'state', 'audit', 'default')
  mkdirSync(holds, { recursive: true })
  return {
    view,
    serial: issued.serial,
    administration: routed(ADMIN_ROUTES, view),
    breakChain: () => (writable = false),
    async state() {
      return JSON.stringify([
        await stores.apiKeys.list('default'),
        await stores.clients.list('default'),
        await stores.accounts.list('default'),
        await stores.grants.ofAccounts(['a']),
        await stores.accountLinks.ofAccount('a'),
        await stores.passkeys.ofAccount('a'),
        await stores.revocations.since(0, 100),
        await stores.blocks.since(0, 100),
        blocks.list(NOW),
        await stores.credentials.list('default'),
        readdirSync(holds).map((file) => readFileSync(join(holds, file), 'utf8')),
        await stores.dataKeys.ofTenant('default'),
        authority.list(),
        readFileSync(join(folder, 'state', 'vault.keys'), 'utf8'),
        [
          revocations.list('default', NOW),
          revocations.list('acme', NOW),
          sessions.size,
          restarts,
          approvals,
          tests,
          backups,
        ],
        ['default', '@gateway'].map((tenant) => anomalies.watch.recent.of(tenant)),
        anomalies.watch.memory.restrictions.list(NOW),
        existsSync(join(folder, 'state', 'audit.key')) && readFileSync(join(folder, 'state', 'audit.key'), 'utf8'),
      ])
    },
    close: () => (sessions.close(), stores.close()),
  }
}

function exchange(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
): Exchange & Authenticated {
  const credential = { kind: 'api-key', id: 'me' } as const
  return {
    ...{ incident: 'i', receivedAt: NOW, peer: { address: '127.0.0.1', encrypted: true } },
    head: { method, path: `/admin/v1${path}`, query: '', headers: { 'content-type': 'application/json', ...headers } },
    body: { read: () => Buffer.from(JSON.stringify(body ?? {})) },
    outlet: { send() {}, open() {} },
    departure: new Cancellation(),
    principal: { id: 'key:me', tenant: 'default', roles: ['admin'], credential },
  }
}

const NAMES: Readonly<Record<string, string>> = {
  keys: 'k',
  clients: 'c',
  users: 'alice',
  tenants: 'acme',
  upstreams: 'mail',
  exporters: 'siem',
  setHold: 'case-1',
  liftHold: 'case-1',
  releaseSubject: 'principal:ana',
  releaseNetwork: 'network:192.0.2.7',
}

/** A watch to which a principal and an address are unusual. */
function unusual(now: { readonly now: () => number }): Watch {
  const rules = {
    ...{ levels: { low: 1, medium: 2, high: 3, critical: 4 }, learning: { days: 1, calls: 1 } },
    ...{ answers: { low: 'block', medium: 'block', high: 'block', critical: 'block' } as const },
    ...{ deniedPerMinute: 1, failedSignInsPerMinute: 1, holdMs: 1_000, repeatMs: 1_000 },
  }
  const memory = new Memory({ principals: 10, tools: 10 }, 1)
  const watch = new Watch({ memory, rules, clock: now, alert: () => {}, isExemptNetwork: () => false })
  watch.sprung({ tenant: 'default', principal: 'ana', isExempt: false, isAdministrator: false, incident: 'i' })
  watch.stranger('192.0.2.7', '@gateway', 'i')
  return watch
}

describe('while nothing can be recorded', () => {
  const changing = ADMIN_ROUTES.filter(({ method, name }) => method !== 'GET' && !QUESTIONS.includes(name))
  for (const route of changing) {
    it(`${route.name} is refused, and nothing is changed`, async () => {
      const { administration, breakChain, state, close, serial } = await site()
      const noun = route.path.split('/')[1] ?? ''
      const listed = async (path: string) => (await administration.serve(exchange('GET', path, {}))).document as never
      const ids: Record<string, () => Promise<string>> = {
        sessions: async () => (await listed('/sessions'))['sessions'][0]['id'],
        certificates: async () => serial,
        grants: async () => (await listed('/grants'))['grants'][0]['id'],
      }
      const id = (await ids[noun]?.()) ?? NAMES[route.name] ?? NAMES[noun] ?? ''
      const path = route.path
        .replace('/passkeys/{id}', '/passkeys/p')
        .replace(/\{(id|name)\}/, id)
        .replace('{upstream}', 'mail')
        .replace('{kind}', 'static')
      const headers: Record<string, string> = {}
      if (route.ifMatch === 'needed') headers['if-match'] = `"${String((await listed(`/users/${id}`))['revision'])}"`
      if (route.name === 'resumeTenant') await administration.serve(exchange('POST', '/tenants/acme/suspend', {}))
      if (route.name === 'enableUser') await administration.serve(exchange('POST', '/users/alice/disable', {}))
      if (route.name === 'enableClient') await administration.serve(exchange('POST', '/clients/c/disable', {}))
      if (route.name === 'liftHold')
        await administration.serve(exchange('PUT', '/audit/holds/case-1', {}, { reason: 'law' }))
      const unchanged = await state()
      breakChain()
      const asked = administration.serve(exchange(route.method, path, headers, BODIES[route.name]))
      await assert.rejects(asked, { code: 'audit.unavailable' })
      assert.equal(await state(), unchanged)
      await close()
    })
  }
})
