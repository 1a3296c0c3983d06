// The gateway's own parts without a listener: a folder, a configuration as an operator writes it, and who is believed.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../packages/portcullis/src/config/load.ts'
import { stateLayout } from '../../packages/portcullis/src/config/state-layout.ts'
import { buildAuthorizationServer } from '../../packages/portcullis/src/gateway/build-authorization-server.ts'
import { buildIdentity } from '../../packages/portcullis/src/gateway/build-identity.ts'
import { ApiKeyLifecycle } from '../../packages/portcullis/src/identity/api-key-lifecycle.ts'
import { openSqliteStores } from '../../packages/portcullis/src/stores/sqlite/open.ts'

export const PUBLIC_URL = 'https://gate.example'
export const UPSTREAM = 'one'
export const RESOURCE = `${PUBLIC_URL}/mcp/${UPSTREAM}`
export const environment = { BENCH_SECRET: 'a secret of the bench' }

export const clock = { now: Date.now }
export const log = { debug() {}, info() {}, warn() {}, error() {} }
/** What would be on record is none of this suite's figures (`npm run bench` has it). */
export const ledger = { append: async () => {} }

export const tenantNames = (count) => Array.from({ length: count }, (_, at) => `t${at}`)
/** The roles beside `user`, which everybody has: with it there are `count`. */
export const roleNames = (count) => Array.from({ length: count - 1 }, (_, at) => `r${at}`)

/** An empty folder that `remove` removes. */
export function openFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/**
 * A valid configuration with these numbers of roles and tenants and these policies; one tenant means that there are none.
 * `own` is the policy of each tenant, `issuer` the port and the authority of the outside issuer.
 */
export function configure(folder, { roles, tenants, policies, own, issuer, server = false }) {
  const place = mkdtempSync(join(folder, 'gateway-'))
  mkdirSync(join(place, 'state'), { mode: 0o700 })
  writeFileSync(join(place, 'access.cedar'), policies)
  if (tenants > 1) for (const name of tenantNames(tenants)) writeFileSync(join(place, `${name}.cedar`), own(name))
  const given = {
    version: 1,
    state: 'state',
    listen: {
      port: 0,
      publicUrl: PUBLIC_URL,
      tls: { authority: 'local', clientCertificates: { authorities: [issuer.caFile] } },
    },
    policy: { files: ['access.cedar'], roles: ['user', ...roleNames(roles)] },
    upstreams: { [UPSTREAM]: { trust: 'trusted', http: { url: 'http://127.0.0.1:9/', plaintext: 'loopback-only' } } },
    identity: identity(issuer, roles, tenants, server),
    ...(tenants > 1 && { tenants: Object.fromEntries(tenantNames(tenants).map(tenantEntry)) }),
  }
  const file = join(place, 'portcullis.yaml')
  return parseConfig(JSON.stringify(given), file, environment)
}

const tenantEntry = (name) => [name, { upstreams: [UPSTREAM], policy: { files: [`${name}.cedar`] } }]

function identity(issuer, roles, tenants, server) {
  const url = `https://127.0.0.1:${issuer.port}`
  const itself = (names) => Object.fromEntries(names.map((name) => [name, name]))
  const outside = {
    issuer: url,
    jwksUri: `${url}/jwks`,
    algorithms: ['ES256', 'EdDSA', 'RS256'],
    ca: issuer.caFile,
    tenant: { claim: 'org', map: itself(tenantNames(tenants)) },
    roles: { claim: 'groups', map: Object.fromEntries(roleNames(roles).map((name) => [name, [name]])) },
    everyone: ['user'],
    introspection: {
      url: `${url}/introspect`,
      clientId: 'gateway',
      secret: { env: 'BENCH_SECRET' },
      rememberSeconds: 60,
    },
  }
  return {
    issuers: [outside],
    certificates: [{ uri: 'spiffe://example.org/agents/*', tenant: 't0', roles: ['user', 'r0'] }],
    ...(server && { server: {} }),
  }
}

/** What `gateway/gateway.ts` builds for a configuration to prove callers, and the desk that issues keys. */
export async function openIdentity(config) {
  const layout = stateLayout(config)
  const stores = await openSqliteStores({ path: layout.store })
  const common = { config, stores, clock, log, environment, publicUrl: PUBLIC_URL }
  const openServer = (revocations) => buildAuthorizationServer({ ...common, layout, ledger }, revocations)
  const identityOf = await buildIdentity({ ...common, openServer, bundles: { of: () => undefined } })
  const keys = new ApiKeyLifecycle({
    store: stores.apiKeys,
    revocations: identityOf.revocations,
    clock,
    random: randomBytes,
  })
  return {
    ...identityOf,
    stores,
    layout,
    keys,
    async close() {
      await identityOf.close()
      await stores.close()
    },
  }
}
