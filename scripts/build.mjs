/**
 * Makes `dist` of the sources when they are newer: every module with its types, and the program, joined (bundle.mjs). A build is
 * made beside the old one and takes its place whole.
 */
import { cpSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGE, ROOT, run, stop, tool, workspaceNode } from './workspace.mjs'

const SOURCE = join(PACKAGE, 'src')
const DIST = join(PACKAGE, 'dist')
const DRAFT = join(ROOT, 'node_modules', '.portcullis-dist')
const STAMP = join(DIST, '.built')
const BUNDLER = join(ROOT, 'scripts', 'bundle.mjs')

/** Says so when it has something to do. */
export function ensureBuilt() {
  const inputs = [join(PACKAGE, 'tsconfig.build.json'), join(PACKAGE, 'package.json'), BUNDLER, ...filesOf(SOURCE)]
  const built = existsSync(STAMP) ? statSync(STAMP).mtimeMs : 0
  if (inputs.every((file) => statSync(file).mtimeMs <= built)) return
  console.log(built === 0 ? 'Building Portcullis (first start).' : 'Building Portcullis (its sources are newer).')
  rmSync(DRAFT, { recursive: true, force: true })
  const project = join(PACKAGE, 'tsconfig.build.json')
  make([tool('tsc'), '-p', project, '--outDir', DRAFT], 'The sources do not compile.')
  make([BUNDLER, DRAFT], 'The program cannot be joined.')
  copyData()
  writeFileSync(join(DRAFT, '.built'), '')
  rmSync(DIST, { recursive: true, force: true })
  renameSync(DRAFT, DIST)
}

function make(command, otherwise) {
  const result = run(workspaceNode(), command, { quiet: true })
  if (!result.ok) stop(`${result.output}\n${otherwise}`, 70)
}

/** The compiler leaves everything behind that is not TypeScript. */
function copyData() {
  for (const file of filesOf(SOURCE)) {
    if (extname(file) === '.ts' || file === SOURCE || statSync(file).isDirectory()) continue
    cpSync(file, join(DRAFT, file.slice(SOURCE.length)))
  }
}

/** Folders too, because their time tells of files that were removed. */
function filesOf(folder) {
  return [folder, ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name))]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureBuilt()
