/** Reporter for node:test: failures with their whole error, one line per file if asked for, and the counts at the end. */
import { relative } from 'node:path'
import { inspect, stripVTControlCharacters } from 'node:util'

/** Marks the line of counts for scripts/suite.mjs. */
const COUNTS = '@counts'
const showFiles = process.env.PORTCULLIS_TEST_FILES === '1'

export default async function* report(events) {
  const counts = { passed: 0, failed: 0 }
  for await (const { type, data } of events) {
    if (type === 'test:pass') {
      if (data.details?.type === 'suite') continue
      if (data.skip === undefined && data.todo === undefined) counts.passed++
      else {
        counts.failed++
        yield `\nSKIPPED ${place(data)} ${data.name}\n  A test that does not run proves nothing.\n`
      }
    } else if (type === 'test:fail') {
      const error = data.details?.error
      // A parent fails because of its children, which are told by themselves.
      if (error?.failureType === 'subtestsFailed') continue
      counts.failed++
      yield `\nFAILED ${place(data)} ${data.name}\n${indent(describe(error))}\n`
    } else if (type === 'test:summary' && data.file !== undefined && showFiles) {
      const seconds = (data.duration_ms / 1000).toFixed(1)
      yield `  ${relative(process.cwd(), data.file)}: ${data.counts.tests} tests, ${seconds} s\n`
    }
  }
  yield `${COUNTS} ${counts.passed} ${counts.failed}\n`
}

function place(data) {
  return data.file === undefined ? '' : `${relative(process.cwd(), data.file)}:${data.line ?? 0}`
}

/** node:test wraps what was thrown; the cause is what the test said. */
function describe(error) {
  const cause = error?.cause ?? error
  const text = cause instanceof Error ? inspect(cause, { depth: 6 }) : String(cause)
  return stripVTControlCharacters(text)
}

function indent(text) {
  return text.replaceAll(/^/gm, '  ')
}
