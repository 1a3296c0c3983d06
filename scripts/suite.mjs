/** Runs test files with node:test, which strips the types itself, and counts what ran. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { PACKAGE, ROOT, workspaceNode } from './workspace.mjs'

const TESTS = join(PACKAGE, 'test')
/** Folders whose tests start real components: they run after the others, and not in `npm run check`. */
const REAL = ['real', 'e2e', 'attacks', 'conformance', 'interop']

/** Of these, what looks at the whole machine (its processes, disks, load) or takes it for itself. */
const ALONE = [
  'sandbox/real/',
  'attacks/failed-sign-in',
  'attacks/orphans',
  'attacks/sandbox-gateway',
  'audit/real/crash',
  'cli/real/doctor',
  'e2e/crash.',
  'e2e/floods',
  'e2e/full-disk',
  'e2e/metrics',
  'e2e/pressure',
  'e2e/restarts',
  'e2e/tour',
  'e2e/volumes',
  'e2e/warm',
]

/** Hooks at the top of a file would be those of every file in the process. */
const TOP_HOOKS = /^(?:before|after)(?:Each)?\(/m

/**
 * Absolute paths of all test files by the way in which they run:
 * `together` in one process, `apart` in a process each, `real` likewise but two at a time, `alone` one after the other.
 */
export function testFiles() {
  if (!existsSync(TESTS)) return { together: [], apart: [], real: [], alone: [] }
  const names = readdirSync(TESTS, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.split(sep).join('/'))
    .toSorted((a, b) => (a < b ? -1 : 1))
  const absolute = (way) => names.filter((name) => wayOf(name) === way).map((name) => join(TESTS, name))
  return { together: absolute('together'), apart: absolute('apart'), real: absolute('real'), alone: absolute('alone') }
}

function wayOf(name) {
  if (ALONE.some((start) => name.startsWith(start))) return 'alone'
  if (name.split('/').some((part) => REAL.includes(part))) return 'real'
  return TOP_HOOKS.test(readFileSync(join(TESTS, name), 'utf8')) ? 'apart' : 'together'
}

/** The counts of several runs as those of one. */
export function added(runs) {
  const sum = (key) => runs.reduce((total, run) => total + run[key], 0)
  return { passed: sum('passed'), failed: sum('failed') }
}

/**
 * Resolves with the counts. Failures are printed as they come. A run that dies without counts is a failure, and so is
 * what takes longer than `maxSeconds`. Without `concurrency` all files share one process: to start one costs more than
 * most of them.
 */
export function runTests(files, { concurrency, showFiles = false, maxSeconds }) {
  if (files.length === 0) return Promise.resolve({ passed: 0, failed: 0 })
  const args = [
    '--test',
    concurrency === undefined ? '--test-isolation=none' : `--test-concurrency=${concurrency}`,
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
