import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Journeys } from '../../../../src/identity/server/providers/journeys.ts'
import { MemoryGrants } from '../../../../src/stores/memory/grants.ts'

const JOURNEY = { provider: 'acme', about: 'interaction one', back: '/auth/interaction/one/arrive', fresh: false }

function desk() {
  const clock = { at: 1_000_000, now: () => clock.at }
  const grants = new MemoryGrants()
  return { clock, grants, journeys: new Journeys({ key: 'k'.repeat(43), grants, clock }) }
}

test('a journey ends once, with the nonce and the verifier of its beginning', async () => {
  const { journeys } = desk()
  const begun = await journeys.begin(JOURNEY)
  assert.deepEqual(await journeys.find(begun.state), JOURNEY)
  assert.deepEqual(await journeys.end(begun.state, 'interaction one'), { ...JOURNEY, ...begun })
  assert.equal(await journeys.end(begun.state, 'interaction one'), undefined)
  assert.equal(await journeys.find(begun.state), undefined)
})

test('somebody else cannot end it, and does not keep the one from it who may', async () => {
  const { journeys } = desk()
  const { state } = await journeys.begin(JOURNEY)
  assert.equal(await journeys.end(state, 'interaction two'), undefined)
  assert.ok(await journeys.end(state, 'interaction one'))
})

test('of 50 who end it at once one succeeds', async () => {
  const { journeys } = desk()
  const { state } = await journeys.begin(JOURNEY)
  const ends = await Promise.all(Array.from({ length: 50 }, () => journeys.end(state, JOURNEY.about)))
  assert.equal(ends.filter((one) => one !== undefined).length, 1)
})

test('it ends by itself after a quarter of an hour', async () => {
  const { journeys, clock } = desk()
  const { state } = await journeys.begin(JOURNEY)
  clock.at += 15 * 60_000
  assert.equal(await journeys.find(state), undefined)
  assert.equal(await journeys.end(state, JOURNEY.about), undefined)
})

test('nothing that the provider has to hear lies in the store', async () => {
  const { journeys, grants } = desk()
  const secrets = await journeys.begin(JOURNEY)
  const kept: string[] = []
  for (const kind of ['ProviderJourney']) {
    const { digestOf } = await import('../../../../src/identity/server/stored-model.ts')
    kept.push(JSON.stringify(await grants.find(kind, digestOf(secrets.state))))
  }
  for (const secret of [secrets.state, secrets.nonce, secrets.verifier]) assert.ok(!kept.join('').includes(secret))
  assert.equal(new Set([secrets.state, secrets.nonce, secrets.verifier]).size, 3)
})

for (const state of ['', 'x', 'x'.repeat(43), `${'x'.repeat(43)}\n`, 'é'.repeat(43)]) {
  test(`${JSON.stringify(state.slice(0, 8))} is no state`, async () => {
    assert.equal(await desk().journeys.find(state), undefined)
  })
}
