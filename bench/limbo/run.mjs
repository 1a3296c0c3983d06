// npm run bench -- limbo [--cases file]: the cases of x509-limbo through our verifier, Node's own means and `openssl verify`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyNaively } from './naive.mjs'
import { verifyByOpenSsl } from './openssl.mjs'
import { verifyOurs } from './ours.mjs'
import { writeLimbo } from './report.mjs'

const args = process.argv.slice(3)
const at = args.indexOf('--cases')
const file = at < 0 ? join(process.env.PORTCULLIS_CORPORA ?? '../shared/corpora', 'x509-limbo-half.json') : args[at + 1]
let text
try {
  text = readFileSync(file, 'utf8')
} catch {
  console.error('The cases are not here: name their file with --cases. Nothing was measured.')
  process.exit(1)
}
const { testcases } = JSON.parse(text)
const folder = mkdtempSync(join(tmpdir(), 'limbo-'))
/** A case without a time means now; revocation is asked of the lists that it brings. */
const timeOf = ({ validation_time: time }) => (time === null ? Date.now() : Date.parse(time))
const results = []
for (const one of testcases) {
  const now = timeOf(one)
  const began = performance.now()
  const ours = await verifyOurs(one, now)
  const ms = performance.now() - began
  results.push({
    id: one.id,
    wanted: one.expected_result === 'SUCCESS',
    ours,
    ms,
    node: verifyNaively(one, now),
    openssl: verifyByOpenSsl(one, now, folder, { spawnSync, writeFileSync }),
  })
}
rmSync(folder, { recursive: true, force: true })
const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout?.trim() ?? 'none'
const isWritten = at < 0
const isGood = writeLimbo(results, { version, isWritten })
// A chain that the suite calls invalid and that we accept is a failure of the build; the reverse is explained in the table.
process.exit(isGood ? 0 : 1)
