import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { roleInspectors } from '../../src/inspection/all-detectors.ts'
import { ROLES } from '../../src/core/inspection-words.ts'
import { MAX_WHOLE_LENGTH } from '../../src/inspection/role-inspectors.ts'

const inspectors = roleInspectors()
const loaded = (async () => {
  await inspectors.load(ROLES.map((role) => ({ role })))
  return inspectors
})()

test('what a decoding shows is named by it', () => {
  const { inspect } = inspectors.of({ role: 'identifier' })
  assert.equal(inspect("1' UNION SELECT a FROM b--")[0]?.view, undefined)
  assert.match(inspect('1%27%20UNION%20SELECT%20a%20FROM%20b--')[0]?.view ?? '', /percent/)
})

test('a secret leaves no evidence', () => {
  const { inspect } = inspectors.of({ role: 'secret' })
  const found = inspect("hunter2' OR '1'='1")
  assert.ok(found.length > 0)
  assert.ok(found.every(({ evidence }) => evidence === '[secret]'))
})

test('what means something only as a whole is refused when it is too long', async () => {
  const all = await loaded
  for (const role of ['sql', 'shell', 'path', 'url', 'host'] as const) {
    const { inspect, whole } = all.of({ role })
    assert.equal(whole, true)
    const [finding] = inspect('a'.repeat(MAX_WHOLE_LENGTH + 1))
    assert.equal(finding?.weight, 'breach')
    assert.match(finding?.reason ?? '', /\.too-long$/)
  }
})

test('a parser that was not loaded is a mistake of ours', () => {
  assert.throws(() => roleInspectors().of({ role: 'sql' }), TypeError)
})

test('without rules no command may run and SQL may only be read', async () => {
  const all = await loaded
  assert.equal(all.of({ role: 'shell' }).inspect('ls')[0]?.weight, 'breach')
  assert.equal(all.of({ role: 'sql' }).inspect('DELETE FROM a')[0]?.weight, 'breach')
  assert.deepEqual(all.of({ role: 'sql' }).inspect('SELECT a FROM b'), [])
})

test('no value makes any role throw, and evidence is short and printable', async () => {
  const all = await loaded
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom("'", '"', '%27', '../', '<a ', '$(', '\\u', '&#', 'or', ' ', '\u202e') }),
  )
  fc.assert(
    fc.property(fc.constantFrom(...ROLES), value, (role, text) => {
      for (const { evidence } of all.of({ role }).inspect(text)) {
        assert.ok(evidence.length <= 1_500)
        assert.doesNotMatch(evidence, /[\p{Cc}\u2028\u2029]/u)
      }
    }),
  )
})
