import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Holder } from '../../../src/upstream/access/holder.ts'
import { lentSource } from '../../../src/upstream/access/lender.ts'
import type { CredentialSource } from '../../../src/upstream/access/sender.ts'
import type { TokenVault } from '../../../src/upstream/access/token-vault.ts'

interface Kept {
  readonly principal?: string
  readonly updatedAt: number
}

/** Who is asked for a credential, time after time, while `kept` changes. */
function lending(kept: Kept[]): () => Promise<string | undefined> {
  const asked: Holder[] = []
  const vault = { list: async () => kept.map((one) => ({ ...one, upstream: 'crm', kind: 'oauth' })) }
  const source = lentSource({
    upstream: 'crm',
    kind: 'oauth',
    tenant: 'default',
    vault: vault as unknown as TokenVault,
    sourceOf: (holder) => {
      asked.push(holder)
      return { headers: async () => ({}) } as unknown as CredentialSource
    },
  })
  return async () => {
    await source.headers()
    return asked.at(-1)?.principal
  }
}

test('whoever connects or refreshes later does not become the source of the tools of all', async () => {
  const kept: Kept[] = [{ principal: 'first', updatedAt: 1 }]
  const lender = lending(kept)
  assert.equal(await lender(), 'first')
  kept.push({ principal: 'mallory', updatedAt: 2 })
  assert.equal(await lender(), 'first')
  kept[0] = { principal: 'first', updatedAt: 9 }
  assert.equal(await lender(), 'first')
  kept.splice(0, 1)
  assert.equal(await lender(), 'mallory')
})

test("the tenant's own credential comes before those of its principals", async () => {
  const kept: Kept[] = [{ principal: 'first', updatedAt: 1 }]
  const lender = lending(kept)
  assert.equal(await lender(), 'first')
  kept.push({ updatedAt: 5 })
  assert.equal(await lender(), undefined)
})
