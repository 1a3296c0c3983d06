import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outgoing } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Inspection } from '../../src/inspection/inspect-arguments.ts'
import { inspectResults, type ResultInspect } from '../../src/inspection/inspect-results.ts'
import { evidence, type Weight } from '../../src/inspection/finding.ts'
import type { VerdictRules } from '../../src/inspection/verdict.ts'

/** Sees the word in a text block, and would put stars there. */
const word =
  (seen: string, weight: Weight): ResultInspect =>
  (block) => {
    const text = String(block['text'])
    if (!text.includes(seen)) return { sightings: [] }
    const sightings = [{ family: 'markup', weight, reason: 'markup.word', evidence: evidence(seen) }] as const
    return { sightings, replaced: { ...block, text: text.replace(seen, '***') } }
  }

const MESSAGE = {
  jsonrpc: '2.0',
  id: 1,
  result: {
    content: [
      { type: 'text', text: 'fine' },
      { type: 'text', text: 'a BAD word' },
    ],
    structuredContent: { a: 1 },
  },
} as const

async function run(rules: VerdictRules, inspectors: readonly ResultInspect[], message: Outgoing = MESSAGE) {
  const inspected: Inspection = { findings: [] }
  const exchange = { inspected, upstream: 'u', item: { kind: 'tool', name: 't' } } as never
  const sent = await inspectResults({ ...rules, upstreams: {} }, inspectors).filter(message, exchange)
  return { sent, findings: inspected.resultFindings ?? [] }
}

describe('a result', () => {
  test('passes as it is when nobody looks, or nothing is seen', async () => {
    assert.equal((await run({}, [])).sent, MESSAGE)
    assert.equal((await run({}, [word('OTHER', 'breach')])).sent, MESSAGE)
  })

  test('passes as it is and is on record when it is noted', async () => {
    const { sent, findings } = await run({}, [word('BAD', 'strong')])
    assert.deepEqual(sent, MESSAGE)
    assert.deepEqual(
      findings.map(({ at, place, verdict }) => [at, place, verdict]),
      [['/content/1', 'result', 'annotate']],
    )
  })

  test('passes without what is masked; whoever looks next sees the mask', async () => {
    const { sent } = await run({ on: { markup: { strong: 'mask' } } }, [word('BAD', 'strong'), word('BAD', 'breach')])
    assert.deepEqual(sent, {
      ...MESSAGE,
      result: { ...MESSAGE.result, content: [MESSAGE.result.content[0], { type: 'text', text: 'a *** word' }] },
    })
    assert.equal(MESSAGE.result.content[1].text, 'a BAD word')
  })

  for (const verdict of ['refuse', 'ask'] as const) {
    test(`does not pass by the verdict ${verdict}`, async () => {
      await assert.rejects(
        run({ roles: { result: { strong: verdict } } }, [word('BAD', 'strong')]),
        (thrown) =>
          thrown instanceof Fault &&
          thrown.code === 'inspection.result_refused' &&
          Array.isArray(thrown.detail['findings']),
      )
    })
  }

  test('passes in shadow mode, and the record says what would have happened', async () => {
    const { sent, findings } = await run({ mode: 'shadow' }, [word('BAD', 'breach')])
    assert.deepEqual(sent, MESSAGE)
    assert.deepEqual(
      findings.map(({ verdict, shadow }) => [verdict, shadow]),
      [['refuse', true]],
    )
  })

  test('of a prompt and of a resource has blocks too', async () => {
    for (const name of ['messages', 'contents']) {
      const message = { jsonrpc: '2.0', id: 1, result: { [name]: [{ text: 'BAD' }] } } as const
      const { findings } = await run({}, [word('BAD', 'strong')], message)
      assert.deepEqual(
        findings.map(({ at }) => at),
        [`/${name}/0`],
      )
    }
  })

  test('in pieces is looked at when it is whole: notifications pass', async () => {
    const message = { jsonrpc: '2.0', method: 'notifications/progress', params: {} } as const
    assert.equal((await run({}, [word('BAD', 'breach')], message)).sent, message)
  })

  test('an inspector that fails lets nothing through', async () => {
    const broken: ResultInspect = () => {
      throw new Error('broken')
    }
    await assert.rejects(run({}, [broken]), /broken/)
  })
})
