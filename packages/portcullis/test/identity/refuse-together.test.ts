import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { refuseTogether } from '../../src/identity/refuse-together.ts'
import { StillClock } from './still-clock.ts'

/** Whether the refusal had come when everything that was due at once had run. */
async function isImmediate(refused: Promise<never>): Promise<boolean> {
  const turn = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))
  return Promise.race([refused.catch(() => true), turn])
}

describe('refuseTogether', () => {
  const clock = new StillClock()
  const refuse = refuseTogether(40, clock)

  it('waits with every 401, however early it is known', async () => {
    for (const code of ['identity.missing', 'identity.invalid_token', 'identity.use_nonce'] as const) {
      const fault = new Fault(code)
      const refused = refuse(fault, clock.now())
      assert.equal(await isImmediate(refused), false)
      await assert.rejects(refused, (thrown) => thrown === fault)
    }
  })

  it('waits no longer than that after the request', async () => {
    assert.equal(await isImmediate(refuse(new Fault('identity.missing'), clock.now() + 9_000)), false)
    await assert.rejects(refuse(new Fault('identity.missing'), clock.now() - 9_000), { code: 'identity.missing' })
  })

  it('answers everything else at once', async () => {
    for (const code of ['identity.unavailable', 'identity.insufficient_scope', 'internal'] as const) {
      assert.equal(await isImmediate(refuse(new Fault(code), clock.now())), true)
    }
    assert.equal(await isImmediate(refuseTogether(0, clock)(new Fault('identity.missing'), clock.now())), true)
  })
})
