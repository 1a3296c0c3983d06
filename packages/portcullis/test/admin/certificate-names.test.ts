/** A tenant's administrators get certificates for the names of their tenant alone: of a server never, of another tenant never. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireOwnNames } from '../../src/admin/certificate-names.ts'
import type { Config } from '../../src/config/schema.ts'

const identity = {
  certificates: [
    { uri: 'spiffe://mine.example/*', tenant: 'mine', roles: [] },
    { uri: 'spiffe://other.example/*', tenant: 'other', roles: [] },
    { dns: 'agent.example.org', tenant: 'mine', roles: [] },
    { dns: 'shared.example.org', tenant: 'mine', roles: [] },
    { dns: 'shared.example.org', tenant: 'other', roles: [] },
    { subject: 'CN=boss', tenant: 'other', roles: [] },
  ],
} as unknown as Config['identity']

const ask =
  (names: readonly string[], subject = 'a name', use: 'client' | 'server' = 'client') =>
  () =>
    requireOwnNames({ identity }, 'mine', { use, names, subject })

test('names that the rules give to the tenant alone are its own', () => {
  for (const names of [
    ['uri:spiffe://mine.example/a'],
    ['dns:agent.example.org'],
    ['dns:agent.example.org', 'uri:spiffe://mine.example/a'],
  ])
    assert.doesNotThrow(ask(names), names.join())
  assert.doesNotThrow(ask(['uri:spiffe://mine.example/a'], 'spiffe://mine.example/a'))
})

const REFUSED: readonly (readonly [what: string, ...Parameters<typeof ask>])[] = [
  ['a server', ['dns:agent.example.org'], undefined, 'server'],
  ['a name of nobody', ['dns:stranger.example']],
  ['no name', []],
  ['one of ours and one of nobody', ['uri:spiffe://mine.example/a', 'dns:payroll.corp.example']],
  ['one of ours and an address', ['uri:spiffe://mine.example/a', 'ip:10.0.0.1']],
  ['a name of another tenant', ['uri:spiffe://other.example/a']],
  ['a name of both', ['dns:shared.example.org']],
  ['one of ours and one of another', ['dns:agent.example.org', 'dns:shared.example.org']],
  ['a subject of another tenant', ['dns:agent.example.org'], 'boss'],
  ['a subject that is a URI of nobody', ['dns:agent.example.org'], 'spiffe://other.example/a'],
  ['a subject that programs write in different ways', ['dns:agent.example.org'], 'boss,O=x'],
]

test('all others are refused', () => {
  for (const [what, ...asked] of REFUSED) assert.throws(ask(...asked), { code: 'administration.refused' }, what)
})
