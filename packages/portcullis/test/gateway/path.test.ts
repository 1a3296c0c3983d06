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
  'overload',
  'rateByAddress',
  'strictHead',
  'origin',
  'preflight',
  'route',
  'bound',
  'deadline',
  'authenticate',
  'caller',
  'nonce',
  'standing',
  'watch',
  'rateByCaller',
  'signatures',
]

describe('the order', () => {
  it('of a message is this one', () => {
    assert.deepEqual(messagePath(named).order, [
      ...ENTRANCE,
      'negotiate',
      'receive',
      'parse',
      'restrain',
      'attachSession',
      'resolve',
      'reveal',
      'target',
      'checkDefinition',
      'scopes',
      'checkArguments',
      'checkParamHeaders',
      'authorize',
      'inspectArguments',
      'maskArguments',
      'approve',
      'rateByTarget',
      'tenantConcurrency',
      'adaptive',
      'concurrency',
      'breaker',
      'intent',
      'maskResults',
      'inspectResults',
      'checkResult',
    ])
  })

  it('of a stream is the same entrance, and the scopes of its upstream', () => {
    assert.deepEqual(streamPath(named).order, [...ENTRANCE, 'target', 'scopes', 'maskStream', 'inspectStream'])
  })

  it('of the administration is the same, with its own route, its own right and its own scopes', () => {
    const order = ENTRANCE.map((name) => (name === 'route' ? 'adminRoute' : name))
    assert.deepEqual(adminPath(named).order, [...order, 'administrator', 'scopes'])
  })

  it('of a public document has no sign-in', () => {
    assert.deepEqual(documentPath(named).order, ENTRANCE.filter((name) => name !== 'overload').slice(0, 7))
  })
})
