/** DP-2: what may be written under `masking`, and what of it is called a weakness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masking, tenantMasking, upstreamMasking } from '../../src/config/masking-schema.ts'
import { maskingWeaknesses } from '../../src/config/masking-weaknesses.ts'
import { type Config, configSchema } from '../../src/config/schema.ts'

for (const wrong of [
  { results: { personal: 'hide' } },
  { results: { kinds: { mail: 'mask' } } },
  { results: { paths: { 'a/b': 'mask' } } },
  { results: { keepLast: 5 } },
  { result: {} },
  { restore: 'yes' },
  { tools: {} },
])
  test(`${JSON.stringify(wrong)} is refused`, () => assert.equal(masking.safeParse(wrong).success, false))

test('each place takes what belongs there', () => {
  const level = {
    secrets: 'remove',
    personal: 'mask',
    kinds: { ip: 'keep' },
    fields: { a: 'mask' },
    paths: { '/a/*': 'mask' },
  }
  const levels = { arguments: level, results: level }
  assert(masking.safeParse({ ...levels, restore: false }).success)
  assert(upstreamMasking.safeParse({ ...levels, restore: true, tools: { say: levels } }).success)
  assert(tenantMasking.safeParse(levels).success)
  assert.equal(tenantMasking.safeParse({ restore: true }).success, false)
})

test('what a nearer place lets through is a weakness, each with its path', () => {
  const config = configSchema.parse({
    version: 1,
    state: 'state',
    masking: { results: { secrets: 'keep' } },
    upstreams: {
      crm: {
        http: { url: 'https://crm.example.com/mcp' },
        masking: {
          results: { personal: 'keep', kinds: { card: 'keep', email: 'mask' } },
          tools: { say: { arguments: { paths: { '/a': 'keep' } } } },
        },
      },
    },
    tenants: { acme: { upstreams: ['crm'], masking: { results: { fields: { note: 'keep' } } } } },
  }) as Config
  assert.deepEqual(
    maskingWeaknesses(config).map(({ path }) => path),
    [
      'upstreams.crm.masking.results.personal',
      'upstreams.crm.masking.results.kinds.card',
      'upstreams.crm.masking.tools.say.arguments.paths./a',
      'tenants.acme.masking.results.fields.note',
    ],
  )
})
