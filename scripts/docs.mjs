/** Generates docs/reference from the sources; with `--check` it only says whether the files, and what all documents show, are as they should be. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { PACKAGE, ROOT, tool } from './workspace.mjs'

const source = (path) => import(join(PACKAGE, 'src', path))
const { configReference } = await source('config/reference.ts')
const { configJsonSchema } = await source('config/schema-node.ts')
const { faultReference } = await source('cli/fault-reference.ts')
const { commandReference } = await source('cli/command-reference.ts')
const { adminOpenApi } = await source('admin/routes.ts')

const FOLDER = join(ROOT, 'docs', 'reference')
const DOCUMENTS = {
  'configuration.md': configReference(),
  'configuration.schema.json': formatted(JSON.stringify(configJsonSchema())),
  'faults.md': faultReference(),
  'command-line.md': commandReference(),
  'admin-api.json': formatted(JSON.stringify(adminOpenApi())),
}

const { exampleProblems } = await import('./examples.mjs')
const stale = Object.entries(DOCUMENTS).filter(([name, text]) => read(join(FOLDER, name)) !== text)
if (process.argv.includes('--check')) {
  for (const [name] of stale)
    console.log(`${relative(ROOT, join(FOLDER, name))} is not as the sources say; run: npm run check -- --write`)
  const wrong = exampleProblems()
  for (const problem of wrong) console.log(problem)
  process.exit(stale.length + wrong.length === 0 ? 0 : 1)
}
mkdirSync(FOLDER, { recursive: true })
for (const [name, text] of stale) writeFileSync(join(FOLDER, name), text)

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/** The file is under the formatter's rule like all others. */
function formatted(json) {
  const biome = spawnSync(process.execPath, [tool('biome'), 'format', '--stdin-file-path=schema.json'], {
    input: json,
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (biome.status !== 0) throw new Error(biome.stderr)
  return biome.stdout
}
