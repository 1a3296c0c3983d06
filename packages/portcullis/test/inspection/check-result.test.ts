import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Outgoing } from '../../src/core/exchange.ts'
import { Pipeline } from '../../src/core/pipeline.ts'
import { checkResult, checkResultStage } from '../../src/inspection/check-result.ts'
import { ToolSchemas } from '../../src/inspection/tool-schemas.ts'
import type { Params } from '../../src/mcp/message.ts'
import { callOf, toolWith } from './fixtures.ts'

const schemas = new ToolSchemas()
const tool = toolWith(
  { type: 'object' },
  { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] },
)

describe('a result passes', () => {
  const passing: readonly (readonly [why: string, result: Params])[] = [
    ['that matches', { structuredContent: { sum: 3 }, content: [] }],
    ['that matches and says more, for results are not closed', { structuredContent: { sum: 3, unit: 'm' } }],
    ['that says it is complete', { structuredContent: { sum: 3 }, resultType: 'complete' }],
    ['that is an error', { isError: true, content: [] }],
    ['that asks for input', { resultType: 'input_required', requestState: 's' }],
    ['that is a task', { resultType: 'task', taskId: 't' }],
    ['that is a task of 2025-11-25', { task: { taskId: 't' } }],
  ]
  for (const [why, result] of passing) test(why, () => checkResult(schemas, tool, result))
  test('when its tool promises nothing', () => checkResult(schemas, toolWith({ type: 'object' }), { content: [] }))
})

describe('a result is refused', () => {
  const refused: readonly (readonly [why: string, result: Params])[] = [
    ['that differs', { structuredContent: { sum: 'secret' } }],
    ['that lacks what is required', { structuredContent: {} }],
    ['that is of another type', { structuredContent: [3] }],
    ['without structured content', { content: [{ type: 'text', text: 'secret' }] }],
    ['whose structured content is null', { structuredContent: null }],
    ['that hides behind a task', { task: {}, structuredContent: { sum: 'x' } }],
    ['that is complete and calls itself a task', { task: {}, resultType: 'complete' }],
    ['whose isError is not true', { isError: 'yes', content: [] }],
  ]
  for (const [why, result] of refused) {
    test(why, () => {
      assert.throws(
        () => checkResult(schemas, tool, result),
        (thrown: Error & { detail?: unknown }) =>
          'code' in thrown &&
          thrown.code === 'upstream.result_invalid' &&
          !JSON.stringify(thrown.detail).includes('secret'),
      )
    })
  }
})

test('only the final response is looked at, and a refused one does not leave', async () => {
  const sent: Outgoing[] = []
  const bad = { structuredContent: { sum: 'x' } }
  const answerWith = (message: Outgoing) => {
    const exchange = callOf(tool, { name: 'tool' })
    exchange.outlet = { open: () => {}, send: (early) => void sent.push(early) }
    return Pipeline.from<typeof exchange>()
      .filter(checkResultStage(schemas))
      .to(async ({ outlet }) => {
        await outlet.send({ jsonrpc: '2.0', method: 'notifications/progress', params: { result: bad } })
        await outlet.send({ jsonrpc: '2.0', id: 9, method: 'roots/list' })
        return { status: 200, message }
      })(exchange)
  }
  await assert.rejects(answerWith({ jsonrpc: '2.0', id: 7, result: bad }), { code: 'upstream.result_invalid' })
  const error = { jsonrpc: '2.0', id: 7, error: { code: 1, message: 'no' } } as const
  assert.equal((await answerWith(error)).message, error)
  const good = { jsonrpc: '2.0', id: 7, result: { structuredContent: { sum: 1 } } } as const
  assert.equal((await answerWith(good)).message, good)
  assert.equal(sent.length, 6)
})
