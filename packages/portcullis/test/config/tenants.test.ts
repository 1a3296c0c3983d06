import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { policyFiles } from '../../src/config/own-paths.ts'
import { MINIMAL, parse, problemsOf, workspace } from './workspace.ts'

const UPSTREAMS = 'upstreams: { files: { stdio: { command: node } }, web: { stdio: { command: node } } }\n'

function folderOf(context: TestContext): string {
  const folder = workspace(context)
  mkdirSync(join(folder, 'acme'))
  writeFileSync(join(folder, 'acme', 'own.cedar'), '')
  return folder
}

test('without the key there are no tenants, and a ready-made role is known by being in force', (context) => {
  const config = parse(workspace(context), `${MINIMAL}policy: { builtin: [reader, user] }\n`)
  assert.equal(config.tenants, undefined)
  assert.deepEqual(config.policy.roles, ['admin', 'user', 'reader'])
})

test('a tenant has its upstreams, policies, roles and limits', (context) => {
  const folder = folderOf(context)
  const tenant =
    '{ upstreams: [files], policy: { files: ["acme/*.cedar"], roles: [buyer], builtin: [auditor] }, limits: { concurrency: 3 } }'
  const config = parse(folder, `${MINIMAL}${UPSTREAMS}tenants: { acme: ${tenant}, default: { upstreams: [] } }\n`)
  assert.deepEqual(config.tenants?.['acme'], {
    upstreams: ['files'],
    policy: { files: [join(folder, 'acme/*.cedar')], roles: ['buyer', 'auditor'], builtin: ['auditor'] },
    limits: { concurrency: 3 },
  })
  assert.deepEqual(policyFiles(config), [join(folder, 'acme/own.cedar'), join(folder, 'policies/access.cedar')])
})

// biome-ignore format: one mistake a row
const MISTAKES: readonly (readonly [what: string, text: string, told: RegExp])[] = [
  ['an upstream that does not exist', 'tenants: { acme: { upstreams: [fils] } }', /tenants\.acme\.upstreams\[0\]: there is no upstream fils; known are files, web/],
  ['no upstreams', 'tenants: { acme: {} }', /tenants\.acme\.upstreams: missing/],
  ['policies that do not exist', 'tenants: { acme: { upstreams: [], policy: { files: [no.cedar] } } }', /policy\.files\[0\]: no file matches/],
  ['a role that is not ready-made', 'policy: { builtin: [root] }', /policy\.builtin\[0\]: "root" is not valid here/],
  ['an unknown key', 'tenants: { acme: { upstreams: [], quota: 1 } }', /tenants\.acme\.quota: unknown key/],
  ['a name that no path can hold', 'tenants: { "../acme": { upstreams: [] } }', /this name is not allowed/],
  ['a concurrency of nothing', 'tenants: { acme: { upstreams: [], limits: { concurrency: 0 } } }', /concurrency: 0 is not valid/],
  ['a rate without a burst', 'tenants: { acme: { upstreams: [], limits: { rate: { permits: 1 } } } }', /rate\.burst: missing/],
  ['an issuer of a tenant that does not exist', 'tenants: { acme: { upstreams: [] } }\nidentity: { issuers: [{ issuer: "https://i.example" }] }', /identity\.issuers\[0\]\.tenant: there is no tenant default/],
  ['an issuer that maps to one', 'tenants: { acme: { upstreams: [] } }\nidentity: { issuers: [{ issuer: "https://i.example", tenant: { claim: t, map: { x: acm } } }] }', /tenant\.map\.x: there is no tenant acm/],
  ['a certificate of one', 'tenants: { acme: { upstreams: [] } }\nidentity: { certificates: [{ dns: a.example }] }', /certificates\[0\]\.tenant: there is no tenant default/],
]

for (const [what, text, told] of MISTAKES) {
  test(`${what} is a mistake with its place`, (context) => {
    assert.match(problemsOf(folderOf(context), `${MINIMAL}${UPSTREAMS}${text}\n`).join('\n'), told)
  })
}

test('a role of a tenant may come from an issuer', (context) => {
  const issuer = '{ issuer: "https://i.example", tenant: acme, everyone: [buyer] }'
  const text = `tenants: { acme: { upstreams: [], policy: { roles: [buyer] } } }\nidentity: { issuers: [${issuer}] }\n`
  assert.deepEqual(problemsOf(folderOf(context), `${MINIMAL}${UPSTREAMS}${text}`), [])
})

test('an upstream that can write where a tenant keeps its policies is a mistake', (context) => {
  const folder = folderOf(context)
  const upstreams = `upstreams: { files: { stdio: { command: node, sandbox: { write: ["${folder}/acme"] } } } }\n`
  const text = 'tenants: { acme: { upstreams: [files], policy: { files: [acme/own.cedar] } } }\n'
  assert.match(problemsOf(folder, `${MINIMAL}${upstreams}${text}`).join('\n'), /an upstream can write into/)
})
