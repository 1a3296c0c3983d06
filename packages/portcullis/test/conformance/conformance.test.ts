// What the official conformance tool says of the fixture directly, through the shim alone, and through a gateway.

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type RunningFixture, startEverything } from '../fixtures/everything/http.ts'
import { startTestGateway, type TestUpstream } from '../fixtures/gateway.ts'
import { type PassThrough, startPassThrough } from '../fixtures/pass-through.ts'
import { startShim } from '../fixtures/shim.ts'
import { type ConformanceRun, complaints, failing, REVISIONS, type Revision, runConformance, scenarios } from './run.ts'

type Runs = Readonly<Record<Revision, ConformanceRun>>

const LEAST_SCENARIOS = { '2025-11-25': 33, '2026-07-28': 49 } as const
const STDIO_FIXTURE = fileURLToPath(new URL('../fixtures/everything/everything-stdio.ts', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url))

describe('conformance', { timeout: 300_000 }, () => {
  let fixture: RunningFixture
  let direct: Runs

  before(async () => {
    fixture = await startEverything()
    direct = await runBoth(fixture.url)
  })
  after(() => fixture.close())

  for (const revision of REVISIONS) {
    it(`passes every scenario of ${revision} directly on the fixture`, () => {
      const run = direct[revision]
      assert.equal(complaints(run, ['FAILURE', 'WARNING']), '')
      assert.equal(run.exitStatus, 0)
      assert.ok(scenarios(run).size >= LEAST_SCENARIOS[revision], `only ${scenarios(run).size} scenarios ran`)
    })
  }

  it('judges the same through the shim and a TLS pass-through as directly', async () => {
    const gateway = await startPassThrough(fixture.url)
    const through = await runThrough(gateway)
    for (const revision of REVISIONS) assert.deepEqual(tally(through[revision]), tally(direct[revision]))
  })

  it('fails no scenario through the gateway over an HTTP upstream that passes directly', async (context) => {
    await compareThrough(context, direct, { name: 'everything', url: fixture.url })
  })

  it('fails no scenario through the gateway over a stdio upstream that passes directly', async (context) => {
    const command = [process.execPath, STDIO_FIXTURE] as const
    await compareThrough(context, direct, { name: 'everything', command, readable: [REPOSITORY] })
  })
})

async function compareThrough(context: TestContext, direct: Runs, upstream: TestUpstream): Promise<void> {
  const through = await runThrough(await startTestGateway({ upstreams: [upstream] }))
  for (const revision of REVISIONS) {
    const run = through[revision]
    context.diagnostic(`${revision}: ${JSON.stringify(countStatuses(run))} ${complaints(run, ['WARNING'])}`)
    const lost = [...failing(run)].filter((scenario) => !failing(direct[revision]).has(scenario))
    assert.deepEqual(lost, [], complaints(run, ['FAILURE']))
    assert.deepEqual([...scenarios(run)].sort(), [...scenarios(direct[revision])].sort())
  }
}

async function runThrough(gateway: PassThrough): Promise<Runs> {
  const shim = await startShim(gateway)
  try {
    return await runBoth(shim.url)
  } finally {
    await shim.close()
    await gateway.close()
  }
}

/** One revision after the other: some scenarios judge what arrives within half a second. */
async function runBoth(url: string): Promise<Runs> {
  const legacy = await runConformance(url, '2025-11-25')
  return { '2025-11-25': legacy, '2026-07-28': await runConformance(url, '2026-07-28') }
}

/** How often each check of each scenario had each status; INFO is left out, because it counts wire events. */
function tally(run: ConformanceRun): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { scenario, check, status } of run.judgements) {
    if (status === 'INFO') continue
    const key = `${scenario} ${check} ${status}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => a.localeCompare(b)))
}

function countStatuses(run: ConformanceRun): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { status } of run.judgements) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
