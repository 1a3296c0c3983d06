/**
 * npm run prove-keys -- KEY… or FILE…: leaves each configuration key out of what its proof starts a gateway with, and says which
 * proofs do not mind. A proof that passes without its key proves nothing. Slow: it runs a test for each key.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGE, ROOT, workspaceNode } from './workspace.mjs'

const AGAIN = '--again'
if (process.argv[2] !== AGAIN) {
  // npm may run on a Node that does not read types.
  const args = [fileURLToPath(import.meta.url), AGAIN, ...process.argv.slice(2)]
  process.exit(spawnSync(workspaceNode(), args, { stdio: 'inherit' }).status ?? 1)
}
const { proofs } = await import(join(PACKAGE, 'test', 'config', 'proofs.ts'))
const prefixes = process.argv.slice(3)
const wanted = proofs().filter(
  ({ key, file }) => prefixes.length === 0 || prefixes.some((prefix) => key.startsWith(prefix) || file === prefix),
)
const folder = mkdtempSync(join(tmpdir(), 'portcullis-prove-'))
const counts = {}
for (const [index, proof] of wanted.entries()) {
  const verdict = verdictOf(proof, join(folder, String(index)))
  counts[verdict] = (counts[verdict] ?? 0) + 1
  console.log(`${verdict.padEnd(11)} ${proof.key}  ${proof.file}: ${proof.title}`)
}
rmSync(folder, { recursive: true })
console.log(JSON.stringify(counts))
process.exit((counts.unproved ?? 0) + (counts.untouched ?? 0) === 0 ? 0 : 1)

/**
 * `proved`: fails without it. `unproved`: passes without it. `needed`: there is no valid configuration without it.
 * `untouched`: no gateway of that test was started with it, as far as the fixtures can tell.
 */
function verdictOf({ key, file, title }, report) {
  // A title that is the name of a variable could be any.
  const parts = /^\w+$/.test(title) ? [''] : title.split(/\$\{[^}]*\}/)
  const pattern = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)).join('.*')
  const only = pattern === '' ? [] : [`--test-name-pattern=${pattern}`]
  const args = ['--test', ...only, '--test-timeout=40000', '--test-force-exit']
  const { status } = spawnSync(process.execPath, [...args, join(PACKAGE, 'test', `${file}.test.ts`)], {
    cwd: ROOT,
    stdio: 'ignore',
    timeout: 90_000,
    env: { ...process.env, PORTCULLIS_TEST_WITHOUT: key, PORTCULLIS_TEST_WITHOUT_REPORT: report },
  })
  const said = existsSync(report) ? readFileSync(report, 'utf8') : ''
  if (!said.includes('left out')) return 'untouched'
  if (said.includes('needed')) return 'needed'
  return status === 0 ? 'unproved' : 'proved'
}
