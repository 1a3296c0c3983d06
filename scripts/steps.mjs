/** The steps of `npm run check`, each one line with its seconds. `npm test` takes them too. */
import { join } from 'node:path'
import { added, runTests, testFiles } from './suite.mjs'
import { PACKAGE, ROOT, run, tool, workspaceNode } from './workspace.mjs'

const STATIC = [
  ['format', () => [tool('biome'), 'format', '.']],
  ['lint', () => [tool('oxlint'), '--type-aware', '--deny-warnings']],
  ['types', () => [tool('tsc'), '-p', join(PACKAGE, 'tsconfig.json')]],
  ['documents', () => [join(ROOT, 'scripts', 'docs.mjs'), '--check']],
]

/** Resolves with the counts of the tests that ran; `steps` are the other steps, of which `broken` failed. */
export async function runSteps({ showFiles = false } = {}) {
  let broken = 0
  for (const [name, command] of STATIC) {
    const started = performance.now()
    const result = run(workspaceNode(), command(), { quiet: true })
    say(name, result.ok, started)
    if (result.ok) continue
    broken++
    console.log(result.output.trimEnd())
  }
  const started = performance.now()
  const { together, apart } = testFiles()
  const counts = added(
    await Promise.all([
      runTests(together, { maxSeconds: 60 }),
      runTests(apart, { concurrency: 1, showFiles, maxSeconds: 60 }),
    ]),
  )
  say(
    'unit tests',
    counts.failed === 0 && counts.passed > 0,
    started,
    `${counts.passed} passed, ${counts.failed} failed`,
  )
  return { steps: STATIC.length, broken, ...counts }
}

export function say(name, ok, started, more = '') {
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds.padStart(6)} s${more === '' ? '' : `  ${more}`}`,
  )
}
