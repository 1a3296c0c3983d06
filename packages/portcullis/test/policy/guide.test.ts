import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { loadPolicies } from '../../src/policy/load.ts'
import { parsePolicyTests, runPolicyTests } from '../../src/policy/test.ts'
import { NOON, tool, TOOLS, VOCABULARY } from './fixture.ts'

const guide = readFileSync(new URL('../../../../docs/guides/policies.md', import.meta.url), 'utf8')
const blocks = (language: string) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1] as string)

const PAY = tool(
  'shop',
  'pay',
  { amount: { type: 'number' }, currency: { enum: ['EUR', 'CHF', 'USD'] } },
  { required: ['amount', 'currency'] },
)
const vocabulary = {
  roles: [...VOCABULARY.roles, 'contractor'],
  upstreams: [...VOCABULARY.upstreams, 'shop'],
  tools: new Map([...TOOLS, ['shop', [PAY]]]),
}

describe('the guide to policies', () => {
  const examples = blocks('cedar')

  for (const text of examples) {
    it(`loads ${text.trim().split('\n')[0]}`, async () => {
      const engine = await loadPolicies([{ file: 'guide.cedar', text }], vocabulary)
      assert.equal(engine.policies.length, 1)
    })
  }

  it('has examples, and its test cases hold for them', async () => {
    assert.equal(examples.length, 7)
    const engine = await loadPolicies([{ file: 'guide.cedar', text: examples.join('\n') }], vocabulary)
    const [cases] = blocks('yaml')
    const results = runPolicyTests(engine, parsePolicyTests(parse(cases as string)), NOON.at)
    assert.deepEqual(
      results.map(({ passed }) => passed),
      [true, true, true],
    )
  })
})
