import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import type { NetworkRule } from '../../../src/sandbox/access.ts'
import { shapeKey, shapeOf } from '../../../src/sandbox/network/shape.ts'

const rule = (...ports: readonly number[]): NetworkRule => ({ host: 'example.com', ports })

it('explicit mode listens for the proxy alone, whatever the rules say', () => {
  const shape = shapeOf({ mode: 'explicit', allow: [rule(443), rule(3128)] })
  assert.deepEqual(shape, { proxyPort: 3128, transparentPorts: undefined })
})

it('transparent mode listens on each port of the rules once', () => {
  const shape = shapeOf({ mode: 'transparent', allow: [rule(443, 80), rule(8443, 443)] })
  assert.deepEqual(shape, { proxyPort: 3128, transparentPorts: [80, 443, 8443] })
})

it('the proxy makes room for a rule about its port', () => {
  assert.equal(shapeOf({ mode: 'transparent', allow: [rule(3128, 3129)] }).proxyPort, 3130)
})

it('namespaces stand in for each other exactly when they listen on the same', () => {
  const keyOf = (ports: readonly number[]) => shapeKey(shapeOf({ mode: 'transparent', allow: [rule(...ports)] }))
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(ports, ports, (left, right) => {
      assert.equal(keyOf(left), keyOf([...left].reverse()))
      const same = left.length === right.length && left.every((port) => right.includes(port))
      assert.equal(keyOf(left) === keyOf(right), same)
    }),
  )
  assert.notEqual(keyOf([443]), shapeKey(shapeOf({ mode: 'explicit', allow: [rule(443)] })))
})

const many = Array.from({ length: 65 }, (_, index) => index + 1000)
for (const { title, ports } of [
  { title: 'port 0', ports: [0] },
  { title: 'a negative port', ports: [-1] },
  { title: 'a port that is too large', ports: [65_536] },
  { title: 'half a port', ports: [80.5] },
  { title: 'more ports than the gateway has room for', ports: many },
]) {
  it(`refuses ${title}`, () => {
    assert.throws(() => shapeOf({ mode: 'transparent', allow: [rule(...ports)] }), { code: 'sandbox.start_failed' })
  })
}
