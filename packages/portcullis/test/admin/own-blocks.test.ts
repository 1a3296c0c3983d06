/** Nobody shuts the administration for itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOCK_ROUTES } from '../../src/admin/blocks.ts'
import type { AdminCall } from '../../src/admin/route.ts'
import { Fault } from '../../src/core/fault.ts'

const add = BLOCK_ROUTES.find(({ name }) => name === 'addBlock')
const blocked: string[] = []

async function tried(kind: string, value: string, address: string): Promise<string> {
  const call = {
    view: {
      config: { administration: {} },
      clock: { now: () => 0 },
      blocks: { block: ({ value: one }: { value: string }) => void blocked.push(one) },
    },
    asker: { id: 'key:a', tenant: 'default', roles: ['admin'], credential: { kind: 'api-key', id: 'a' } },
    ...{ address, tenant: 'default', body: { kind, value } },
    change: (work: (announce: () => Promise<void>) => Promise<unknown>) => work(async () => {}),
  }
  try {
    await add?.run(call as unknown as AdminCall)
    return 'blocked'
  } catch (thrown) {
    if (thrown instanceof Fault) return String(thrown.options.says)
    throw thrown
  }
}

const OWN = 'This is the address from which you ask.'
const CASES: readonly (readonly [value: string, from: string, says: string | RegExp])[] = [
  ['198.51.100.7', '198.51.100.7', OWN],
  ['198.51.100.0/24', '198.51.100.7', OWN],
  ['198.51.100.0/24', '::ffff:198.51.100.7', OWN],
  ['2001:db8::/32', '2001:db8:1::2', OWN],
  ['127.0.0.0/8', '198.51.100.7', /commands of this machine/],
  ['198.51.100.0/24', '203.0.113.1', 'blocked'],
  ['2001:db8::/32', '198.51.100.7', 'blocked'],
]

for (const [value, from, says] of CASES) {
  test(`from ${from} a block of ${value}: ${says}`, async () => {
    const before = blocked.length
    const answer = await tried('address', value, from)
    if (typeof says === 'string') assert.equal(answer, says)
    else assert.match(answer, says)
    assert.equal(blocked.length - before, says === 'blocked' ? 1 : 0)
  })
}
