// Pins the order in which a message meets the checks: to change it is a decision, not an accident.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { adminPath, documentPath, messagePath, type Stages, streamPath } from '../../src/gateway/path.ts'

/** Stages that do nothing but carry their names. */
const named = new Proxy({}, { get: (_target, name) => ({ name }) }) as Stages

const ENTRANCE = [
  'trail',
  'metrics',
  'address',
  'rateByAddress',
  'strictHead',
  'origin',
  'preflight',
  'route',
  'bound',
  'deadline',
  'authenticate',
  'nonce',
  'standing',
  'rateByPrincipal',
  'rateByTenant',
]

describe('the order', () => {
  it('of a message is this one', () => {
    assert.deepEqual(messagePath(named).order, [
      ...ENTRANCE,
      'negotiate',
      'receive',
      'parse',
      'attachSession',
      'resolve',
      'reveal',
      'checkDefinition',
      'scopes',
      'checkArguments',
      'checkParamHeaders',
      'authorize',
      'inspectArguments',
      'tenantConcurrency',
      'concurrency',
      'intent',
      'inspectResults',
      'checkResult',
    ])
  })

  it('of a stream is the same entrance, and the scopes of its upstream', () => {
    assert.deepEqual(streamPath(named).order, [...ENTRANCE, 'scopes', 'inspectStream'])
  })

  it('of the administration is the same, with its own route, its own right and its own scopes', () => {
    const order = ENTRANCE.map((name) => (name === 'route' ? 'adminRoute' : name))
    assert.deepEqual(adminPath(named).order, [...order, 'administrator', 'scopes'])
  })

  it('of a public document has no sign-in', () => {
    assert.deepEqual(documentPath(named).order, ENTRANCE.slice(0, 7))
  })
})
