/** CO-3: what the ledger has as revoked is told again at the next start, when a crash came before its news. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { revocationsOf, tellRevoked } from '../../src/gateway/certificate-revocation.ts'
import type { Revocation } from '../../src/identity/revocation-store.ts'
import { LocalAuthority } from '../../src/pki/authority/local-authority.ts'
import { authorityPlaces } from '../../src/pki/authority/places.ts'
import { makeRequest } from '../../src/pki/authority/request.ts'
import { PkiError } from '../../src/pki/pki-error.ts'

const NOW = Date.parse('2026-06-01T00:00:00Z')
const CONFIG = { identity: { certificates: [{ tenant: 'default' }] } } as unknown as Parameters<typeof tellRevoked>[1]

function list(known: readonly Revocation[] = []) {
  const told: Revocation[] = []
  const covers = (who: { tenant: string; credential?: { id: string } }) =>
    known.some(({ tenant, id }) => tenant === who.tenant && id === who.credential?.id)
  return { told, covers, revoke: async (news: Revocation) => void told.push(news) }
}

test('exactly what is revoked, not expired and not told yet is told, in every tenant', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-told-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const layout = { authority: folder }
  const nothing = list()
  await tellRevoked(layout, CONFIG, nothing, NOW)
  assert.deepEqual(nothing.told, [], 'where there is no authority')
  const authority = await LocalAuthority.open({ folder, clock: { now: () => NOW } })
  const { request } = await makeRequest()
  const issue = async (lifeMs: number) => {
    const wish = { tenant: 'default', use: 'client', names: ['spiffe://example.org/a'], by: 'key:a' } as const
    return (await authority.issue({ ...wish, request, lifeMs }, () => Promise.resolve())).issued
  }
  const [, one, short] = [await issue(1e9), await issue(1e9), await issue(1e6)]
  for (const { serial } of [one, short]) await authority.revoke(serial, 'superseded', 'key:a', () => Promise.resolve())
  const late = NOW + 2e6
  const wanted = revocationsOf(one, CONFIG, NOW, 'superseded')
  const first = list()
  await tellRevoked(layout, CONFIG, first, late)
  assert.deepEqual(first.told, wanted)
  assert.equal(wanted.length, 2)
  const second = list(wanted.slice(0, 1))
  await tellRevoked(layout, CONFIG, second, late)
  assert.deepEqual(second.told, wanted.slice(1))
  writeFileSync(authorityPlaces(folder).ledger, '{"is":"issued"}\n', { mode: 0o600 })
  await assert.rejects(tellRevoked(layout, CONFIG, list(), late), PkiError)
})
