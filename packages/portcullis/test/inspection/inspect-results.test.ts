import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outgoing } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import { type Answered, inspectResults, type InspectResultsParts } from '../../src/inspection/inspect-results.ts'
import { evidence, type Weight } from '../../src/inspection/finding.ts'
import type { TextInspect } from '../../src/inspection/results/result-text.ts'
import type { InspectionSettings } from '../../src/inspection/argument-settings.ts'

/** Sees the word in a text, and would put stars there. */
const word =
  (seen: string, weight: Weight, family: 'prompt' | 'markup' = 'prompt'): TextInspect =>
  ({ text }) => {
    if (!text.includes(seen)) return { sightings: [] }
    const sightings = [{ family, weight, reason: `${family}.word`, evidence: evidence(seen) }] as const
    return { sightings, clean: () => text.replaceAll(seen, '***') }
  }

const SEEN = { family: 'prompt', weight: 'strong', reason: 'prompt.word', evidence: 'BAD' } as const

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

type Settings = Partial<InspectionSettings>

function filterOf(settings: Settings, inspectors: readonly TextInspect[], more: Partial<InspectResultsParts> = {}) {
  return inspectResults<Answered>({
    settings: { upstreams: {}, ...settings },
    inspectorsOf: () => inspectors,
    names: false,
    asksOutside: false,
    recheck: () => {},
    ...more,
  })
}

async function run(
  settings: Settings,
  inspectors: readonly TextInspect[],
  message: Outgoing = MESSAGE,
  more: Partial<InspectResultsParts> = {},
  known: Partial<Answered> = {},
) {
  const exchange: Answered = { incident: 'i', inspected: { findings: [] }, upstream: 'u', ...known }
  const sent = await filterOf(settings, inspectors, more).filter(message, exchange)
  return { sent, findings: exchange.inspected?.resultFindings ?? [] }
}

const isRefusal = (thrown: unknown): boolean =>
  thrown instanceof Fault && thrown.code === 'inspection.result_refused' && Array.isArray(thrown.detail['findings'])

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
      [['/content/1/text', 'result', 'annotate']],
    )
  })

  test('passes without what is masked; whoever looks next sees the mask', async () => {
    const { sent } = await run({ on: { prompt: { strong: 'mask' } } }, [word('BAD', 'strong'), word('BAD', 'breach')])
    assert.deepEqual(sent, {
      ...MESSAGE,
      result: { ...MESSAGE.result, content: [MESSAGE.result.content[0], { type: 'text', text: 'a *** word' }] },
    })
    assert.equal(MESSAGE.result.content[1].text, 'a BAD word')
  })

  test('passes without active markup when nobody says anything else', async () => {
    const { sent, findings } = await run({}, [word('BAD', 'strong', 'markup')])
    assert.match(JSON.stringify(sent), /a \*\*\* word/)
    assert.deepEqual(
      findings.map(({ verdict }) => verdict),
      ['mask'],
    )
  })

  test('loses the whole text when nobody can say what of it may stay', async () => {
    const blunt: TextInspect = ({ text }) => (text.includes('BAD') ? { sightings: [SEEN] } : { sightings: [] })
    const { sent } = await run({ on: { prompt: { strong: 'mask' } } }, [blunt])
    assert.match(JSON.stringify(sent), /"text":"\[masked\]"/)
  })

  for (const verdict of ['refuse', 'ask'] as const) {
    test(`does not pass by the verdict ${verdict}`, async () => {
      await assert.rejects(run({ roles: { result: { strong: verdict } } }, [word('BAD', 'strong')]), isRefusal)
    })
  }

  test('does not pass when somebody demands it, whatever the configuration says', async () => {
    const demanding: TextInspect = ({ text }) =>
      text.includes('BAD') ? { sightings: [{ ...SEEN, weight: 'hint' }], least: 'refuse' } : { sightings: [] }
    await assert.rejects(run({ on: { prompt: { hint: 'allow' } } }, [demanding]), isRefusal)
  })

  test('passes in shadow mode, and the record says what would have happened', async () => {
    const { sent, findings } = await run({ mode: 'shadow' }, [word('BAD', 'breach')])
    assert.deepEqual(sent, MESSAGE)
    assert.deepEqual(
      findings.map(({ verdict, shadow }) => [verdict, shadow]),
      [['refuse', true]],
    )
  })

  test('of a prompt and of a resource has texts too, and so has an error', async () => {
    for (const [part, at] of [
      [
        { result: { messages: [{ role: 'user', content: { type: 'text', text: 'BAD' } }] } },
        '/messages/0/content/text',
      ],
      [{ result: { contents: [{ uri: 'test://a', text: 'BAD' }] } }, '/contents/0/text'],
      [{ error: { code: 1, message: 'BAD' } }, '/message'],
    ] as const) {
      const { findings } = await run({}, [word('BAD', 'strong')], { jsonrpc: '2.0', id: 1, ...part } as never)
      assert.deepEqual(
        findings.map((finding) => finding.at),
        [at],
      )
    }
  })

  test('of a list is not looked at: definitions are approved by people', async () => {
    const { sent, findings } = await run(
      {},
      [word('BAD', 'breach')],
      MESSAGE,
      {},
      { call: { method: 'tools/list' } as never },
    )
    assert.equal(sent, MESSAGE)
    assert.deepEqual(findings, [])
  })

  test('has a mark when that is configured, and nothing of the evidence', async () => {
    const { sent } = await run({ results: { mark: true } }, [word('BAD', 'strong')])
    assert.deepEqual((sent['result'] as { _meta: object })._meta, {
      'dev.portcullis/inspection': { verdict: 'annotate', incident: 'i' },
    })
    const other = await run({ results: { mark: true } }, [word('OTHER', 'strong')])
    assert.equal(other.sent, MESSAGE)
  })

  test('an inspector that fails lets nothing through', async () => {
    const broken: TextInspect = () => {
      throw new Error('broken')
    }
    await assert.rejects(run({}, [broken]), /broken/)
  })
})

describe('structured content', () => {
  const structured = {
    jsonrpc: '2.0',
    id: 1,
    result: { content: [{ type: 'text', text: '{"a":"BAD","b":["x"]}' }], structuredContent: { a: 'BAD', b: ['x'] } },
  } as const
  const tool = { name: 't' } as never

  test('that is masked stays alike with the text that repeats it', async () => {
    const { sent } = await run({ on: { prompt: { strong: 'mask' } } }, [word('BAD', 'strong')], structured)
    assert.deepEqual(sent['result'], {
      content: [{ type: 'text', text: '{"a":"***","b":["x"]}' }],
      structuredContent: { a: '***', b: ['x'] },
    })
  })

  test('that does not fit its schema any more is refused', async () => {
    const seen: unknown[] = []
    const recheck = (_tool: unknown, result: object) => {
      seen.push(result)
      throw new Fault('upstream.result_invalid')
    }
    await assert.rejects(
      run({ on: { prompt: { strong: 'mask' } } }, [word('BAD', 'strong')], structured, { recheck }, { tool }),
      isRefusal,
    )
    assert.equal(seen.length, 1)
    await run({}, [word('BAD', 'strong')], structured, { recheck }, { tool })
    assert.equal(seen.length, 1)
  })
})

describe('what precedes an answer', () => {
  const progress = (message: string) =>
    ({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, message } }) as const

  test('is cleaned like the answer', async () => {
    const { sent, findings } = await run(
      { on: { prompt: { strong: 'mask' } } },
      [word('BAD', 'strong')],
      progress('is BAD'),
    )
    assert.deepEqual(sent, progress('is ***'))
    assert.deepEqual(
      findings.map(({ at }) => at),
      ['/message'],
    )
  })

  test('passes without a text that is refused', async () => {
    const { sent, findings } = await run({}, [word('BAD', 'breach')], progress('is BAD'))
    assert.deepEqual(sent, progress('[masked]'))
    assert.deepEqual(
      findings.map(({ verdict }) => verdict),
      ['refuse'],
    )
  })

  test('on the stream of a session, where there is no call, goes by the rules of its upstream', async () => {
    const settings = { upstreams: { told: { on: { prompt: { strong: 'mask' } } } } } as const
    const exchange: Answered = { incident: 'i', route: { kind: 'upstream', upstream: 'told' } }
    const sent = await filterOf(settings, [word('BAD', 'strong')]).filter(progress('is BAD'), exchange)
    assert.deepEqual(sent, progress('is ***'))
    assert.equal(exchange.inspected?.resultFindings?.length, 1)
  })

  test('is overtaken by nothing, not even by what nobody has to look at', async () => {
    let release = () => {}
    const wait = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow: TextInspect = async ({ text }) => {
      if (text === 'first') await wait
      return { sightings: [] }
    }
    const filter = filterOf({}, [slow])
    const exchange: Answered = { incident: 'i', upstream: 'u' }
    const order: string[] = []
    const told = ['first', 'second', ''].map(async (text) => {
      await filter.filter(progress(text), exchange)
      order.push(text)
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(order, [])
    release()
    await Promise.all(told)
    assert.deepEqual(order, ['first', 'second', ''])
  })
})
