/** AU-2: what ends the process is told without what hangs on it, and the process ends. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { guardLastWords } from '../../src/cli/last-words.ts'

function scene(excludeEnv = false) {
  const told: string[] = []
  const codes: number[] = []
  const report = { excludeEnv, excludeNetwork: false, reportOnFatalError: true }
  let listener: (error: unknown) => void = () => undefined
  const on = (_event: string, heard: (error: unknown) => void) => void (listener = heard)
  guardLastWords({ report, on, exit: (code) => codes.push(code) }, (text) => told.push(text))
  return { told, codes, report, fail: (error: unknown) => listener(error) }
}

describe('the last words of a process', () => {
  it('are its error without headers, tokens and keys, and it ends at once', () => {
    const { told, codes, fail } = scene()
    const cause = new Error('with Bearer canary-of-a-token')
    fail(Object.assign(new Error('boom', { cause }), { options: { headers: { authorization: 'canary-in-a-member' } } }))
    assert.deepEqual(codes, [70])
    assert.match(told.join(''), /"message":"boom"/)
    assert.ok(!told.join('').includes('canary'))
    assert.equal(told.join('').trim().split('\n').length, 1)
  })

  it('are said whatever was thrown', () => {
    for (const thrown of [
      undefined,
      null,
      7n,
      'text',
      Symbol('x'),
      {
        get message() {
          throw new Error('no')
        },
      },
    ]) {
      const { told, codes, fail } = scene()
      fail(thrown)
      assert.deepEqual([told.length, codes], [1, [70]])
    }
  })

  it('leave environment and network out of a diagnostic report', () => {
    const reportOnFatalError = false
    assert.deepEqual(scene().report, { excludeEnv: true, excludeNetwork: true, reportOnFatalError })
    // Only the flag of Node keeps the environment out of a report of exhausted memory.
    assert.equal(scene(true).report.reportOnFatalError, true)
  })
})
