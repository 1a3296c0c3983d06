/** Runs test files with node:test, which strips the types itself, and counts what ran. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { PACKAGE, ROOT, workspaceNode } from './workspace.mjs'

const TESTS = join(PACKAGE, 'test')
/** Folders whose tests start real components: they run after the others, and not in `npm run check`. */
const REAL = ['real', 'e2e', 'attacks', 'conformance', 'interop']

/** Absolute paths of all test files, in `unit` and `real`. */
export function testFiles() {
  if (!existsSync(TESTS)) return { unit: [], real: [] }
  const names = readdirSync(TESTS, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .toSorted((a, b) => (a < b ? -1 : 1))
  const isReal = (name) =>
    relative('.', name)
      .split(sep)
      .some((part) => REAL.includes(part))
  const absolute = (name) => join(TESTS, name)
  return { unit: names.filter((name) => !isReal(name)).map(absolute), real: names.filter(isReal).map(absolute) }
}

/** Resolves with the counts. Failures are printed as they come. A run that dies without counts is a failure, and so is a file that takes longer than `maxSeconds`. */
export function runTests(files, { concurrency, showFiles, maxSeconds }) {
  if (files.length === 0) return Promise.resolve({ passed: 0, failed: 0 })
  const args = [
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${maxSeconds * 1000}`,
    '--test-reporter',
    join(ROOT, 'scripts', 'reporter.mjs'),
  ]
  const { NODE_TEST_CONTEXT: _inherited, ...environment } = process.env
  const child = spawn(workspaceNode(), [...args, '--disable-warning=ExperimentalWarning', ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment, ...(showFiles ? { PORTCULLIS_TEST_FILES: '1' } : {}) },
  })
  return new Promise((resolve) => {
    let counts
    eachLine(child.stdout, (line) => {
      const match = /^@counts (\d+) (\d+)$/.exec(line)
      if (match === null) console.log(line)
      else counts = { passed: Number(match[1]), failed: Number(match[2]) }
    })
    child.on('close', (status) => {
      const found = counts ?? { passed: 0, failed: 1 }
      if (status !== 0 && found.failed === 0) console.log(`the test runner ended with status ${status}`)
      resolve(status !== 0 && found.failed === 0 ? { ...found, failed: 1 } : found)
    })
  })
}

function eachLine(stream, take) {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
  stream.on('end', () => rest !== '' && take(rest))
}
