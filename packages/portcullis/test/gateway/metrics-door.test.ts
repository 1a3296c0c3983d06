import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Exchange } from '../../src/core/exchange.ts'
import { Secret } from '../../src/core/secret.ts'
import { readinessOf } from '../../src/gateway/build-metrics.ts'
import { metricsDoor } from '../../src/gateway/metrics-door.ts'
import { Observation } from '../../src/gateway/observation.ts'
import { originStage } from '../../src/traffic/origin.ts'
import { callOf } from '../inspection/fixtures.ts'

const origin = originStage({ hosts: ['localhost:9464'], defaultPort: 443, origins: [] })
const pages = { contentType: 'text/plain; version=0.0.4', text: async () => 'a_metric 1\n' }

function asking(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Exchange {
  const head = { method, path, query: '', headers: { host: 'localhost:9464', ...headers } }
  return { ...callOf(undefined, {}), head }
}

describe('the door of the metrics', () => {
  const door = metricsDoor({ origin, exposition: pages, problems: async () => [], token: new Secret('the-token') })

  it('gives metrics for the token only', async () => {
    const told = await door(asking('/metrics', { authorization: 'Bearer the-token' }))
    assert.deepEqual([told.status, told.page], [200, 'a_metric 1\n'])
    for (const authorization of [
      '',
      'the-token',
      'Bearer',
      'Bearer the-token ',
      'bearer the-token',
      'Bearer the-tokem',
    ]) {
      const refused = await door(asking('/metrics', { authorization }))
      assert.deepEqual([refused.status, refused.page], [401, undefined], authorization)
      assert.equal(refused.headers?.['www-authenticate'], 'Bearer')
    }
  })

  it('answers probes without it, and nothing to a stranger’s name or another method', async () => {
    assert.equal((await door(asking('/healthz'))).status, 200)
    assert.equal((await door(asking('/readyz'))).page, 'ready\n')
    assert.equal((await door(asking('/healthz', { host: 'rebound.example:9464' }))).status, 403)
    for (const method of ['POST', 'HEAD', 'DELETE', 'OPTIONS']) {
      assert.equal((await door(asking('/healthz', {}, method))).status, 405, method)
    }
    for (const path of ['/', '/Metrics', '/metrics/x', '/healthz/'])
      assert.equal((await door(asking(path))).status, 404, path)
  })

  it('remembers for a second whether the gateway is ready, however many ask', async () => {
    let asked = 0
    let found: readonly string[] = []
    const problems = async () => {
      asked++
      return found
    }
    const counting = metricsDoor({ origin, exposition: pages, problems })
    const at = (receivedAt: number) => counting({ ...asking('/readyz'), receivedAt })
    await Promise.all(Array.from({ length: 50 }, (_, n) => at(10_000 + n)))
    found = ['stores']
    assert.deepEqual([(await at(10_999)).status, asked], [200, 1])
    assert.deepEqual([(await at(11_000)).status, asked], [503, 2])
    assert.deepEqual([(await at(9_000)).status, asked], [503, 3], 'a clock that was set back keeps nothing alive')
  })

  it('lets no page of another origin take its answers in, refusals included', async () => {
    for (const exchange of [asking('/healthz'), asking('/metrics'), asking('/nothing'), asking('/', {}, 'POST')]) {
      assert.equal((await door(exchange)).headers?.['cross-origin-resource-policy'], 'same-origin')
    }
  })

  it('turns what breaks into an answer that tells nothing', async () => {
    const broken = { ...pages, text: () => Promise.reject(new Error('secret detail')) }
    const answer = await metricsDoor({ origin, exposition: broken, problems: async () => [] })(asking('/metrics'))
    assert.equal(answer.status, 500)
    assert(!JSON.stringify(answer).includes('secret detail'))
  })

  it('is not ready when it cannot say so in time', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const hanging = metricsDoor({ origin, exposition: pages, problems: () => new Promise(() => {}) })
    const answer = hanging(asking('/readyz'))
    await Promise.resolve()
    context.mock.timers.tick(2_000)
    assert.deepEqual([(await answer).status, (await answer).page], [503, 'not ready: no answer\n'])
  })
})

describe('a gateway is ready', () => {
  const upstream = (failing: boolean) => ({ failing }) as never
  const parts = {
    config: { upstreams: { needed: { required: true }, other: { required: false } } } as never,
    stores: { health: async () => {} },
    chains: { intact: () => true },
    upstreams: new Map([
      ['needed', upstream(false)],
      ['other', upstream(true)],
    ]),
  }

  it('when it can look up keys and write records, and what is required has not failed', async () => {
    assert.deepEqual(await readinessOf(parts)(), [])
    const health = () => Promise.reject(new Error('locked'))
    assert.deepEqual(await readinessOf({ ...parts, stores: { health } })(), ['stores'])
    assert.deepEqual(await readinessOf({ ...parts, chains: { intact: () => false } })(), ['audit'])
    const upstreams = new Map([['needed', upstream(true)]])
    assert.deepEqual(await readinessOf({ ...parts, upstreams })(), ['upstreams'])
  })

  it('neither before it is whole nor once it is ending', async () => {
    const observation = new Observation()
    assert.deepEqual(await observation.problems(), ['starting'])
    observation.begin({ problems: async () => [], sessions: { onEnded: () => undefined } } as never)
    assert.deepEqual(await observation.problems(), [])
    observation.drain()
    assert.deepEqual(await observation.problems(), ['draining'])
  })
})
