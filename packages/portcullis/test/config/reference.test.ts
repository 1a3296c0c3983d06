import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainPath } from '../../src/config/explain.ts'
import { configReference } from '../../src/config/reference.ts'
import { configJsonSchema } from '../../src/config/schema-node.ts'
import type { SchemaNode } from '../../src/config/schema-node.ts'

test('every key has a description, so the reference has no empty row', () => {
  const rows = configReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  assert(rows.length > 80)
  const empty = rows.filter(
    (line) => /\|\s*\|$/.test(line) && !/\.file`|sandbox`|stdio\.env\.NAME`|NAME`|policy|\.map\.NAME`/.test(line),
  )
  assert.deepEqual(empty, [])
})

test('every map of the schema refuses keys that it does not know', () => {
  let maps = 0
  const walk = (node: SchemaNode): void => {
    if (node.properties !== undefined) {
      maps++
      assert.equal(node.additionalProperties, false)
      for (const child of Object.values(node.properties)) walk(child)
    }
    if (typeof node.additionalProperties === 'object') walk(node.additionalProperties)
    if (node.items !== undefined) walk(node.items)
    for (const branch of node.anyOf ?? []) walk(branch)
  }
  walk(configJsonSchema())
  assert(maps > 15)
})

test('a key is explained with its meaning, its default and its value', () => {
  const explanation = explainPath('listen.port', { listen: { port: 9000 } })
  assert.equal(explanation.default, 8443)
  assert.equal(explanation.value, 9000)
  assert.equal(explanation.expected, 'a whole number from 0 to 65535')
  assert.match(explanation.meaning, /TCP port/)
})

test('keys under names and in lists are explained too', () => {
  assert.match(explainPath('upstreams.anything.stdio.sandbox.driver').meaning, /Weakness/)
  assert.match(explainPath('identity.issuers[0].issuer').meaning, /Issuer/)
})

test('a key that is none gets a suggestion', () => {
  assert.throws(() => explainPath('listen.prt'), /there is no key listen\.prt; did you mean "port"\?/)
})
