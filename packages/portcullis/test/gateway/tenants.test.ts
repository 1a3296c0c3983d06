import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../../src/config/schema.ts'
import type { Principal } from '../../src/core/principal.ts'
import { shownTo } from '../../src/gateway/tenants.ts'

const admin = (tenant: string, upstreams?: readonly string[]) =>
  ({ tenant, id: 'a', roles: ['admin'], ...(upstreams && { upstreams }) }) as unknown as Principal
const configured = {
  tenants: { acme: { upstreams: ['one'] }, other: { upstreams: ['two'] } },
  administration: {},
} as unknown as Config

type Settings = Pick<Config, 'tenants' | 'administration'>
const none: Settings = { administration: {} }
const moved: Settings = { ...none, administration: { tenant: 'house' } }

const CASES: readonly (readonly [string, Settings, Principal, string, string | undefined, boolean])[] = [
  ['all of a gateway without tenants, to its own', none, admin('default'), 'one', 'elsewhere', true],
  ['all of it, to those who oversee in its place', moved, admin('house'), 'one', 'elsewhere', true],
  ['another tenant, once others oversee', moved, admin('default'), 'one', 'elsewhere', false],
  ['another tenant there', none, admin('elsewhere'), 'one', 'default', false],
  ['an upstream that a key does not reach', none, admin('default', ['two']), 'one', undefined, false],
  ['its own upstream', configured, admin('acme'), 'one', 'acme', true],
  ['the upstream of another tenant', configured, admin('acme'), 'two', undefined, false],
  ['what another tenant does at a shared upstream', configured, admin('acme'), 'one', 'other', false],
  ['anything, to an unknown tenant', configured, admin('default'), 'one', undefined, false],
]

for (const [what, config, principal, upstream, tenant, shown] of CASES) {
  test(`an administrator is ${shown ? '' : 'not '}shown ${what}`, () => {
    assert.equal(shownTo(config)(principal, upstream, tenant), shown)
  })
}
