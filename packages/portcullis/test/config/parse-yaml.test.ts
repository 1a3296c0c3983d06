import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseConfig } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/problem.ts'
import { parseYaml } from '../../src/config/parse-yaml.ts'

test('a place is given for what exists, and the nearest parent for what does not', () => {
  const parsed = parseYaml('a:\n  b: [1, 2]\n', 'x.yaml')
  assert.deepEqual(parsed.locate(['a', 'b', 1], 'value'), { line: 2, column: 10 })
  assert.deepEqual(parsed.locate(['a', 'b'], 'key'), { line: 2, column: 3 })
  assert.deepEqual(parsed.locate(['a', 'c'], 'key'), { line: 1, column: 1 })
})

test('whatever the text is, the outcome is a configuration or a list of problems', () => {
  const piece = fc.constantFrom(
    'version: 1\n',
    'state: s\n',
    'listen:\n',
    '  port: 1\n',
    '\t',
    '- ',
    '{',
    '}',
    '&a ',
    '*a',
    '!!js/x ',
    '"',
    ': ',
    '? ',
    '|\n',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 8 })), { maxLength: 20 }), (pieces) => {
      try {
        assert.equal(parseConfig(pieces.join(''), '/nowhere/x.yaml', {}).version, 1)
      } catch (thrown) {
        assert(thrown instanceof ConfigError, String(thrown))
        assert(thrown.problems.length > 0)
        for (const problem of thrown.problems) assert(problem.line >= 1 && problem.column >= 1)
      }
    }),
    { numRuns: 300 },
  )
})

test('a text of more than a million characters is not even parsed', () => {
  const parsed = parseYaml('a'.repeat(1_048_577), 'x.yaml')
  assert.equal(parsed.value, undefined)
  assert.equal(parsed.problems.length, 1)
})
