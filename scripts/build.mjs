/** Compiles the sources into `dist` when they are newer. A build is made beside the old one and takes its place whole. */
import { cpSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { PACKAGE, ROOT, run, stop, tool, workspaceNode } from './workspace.mjs'

const SOURCE = join(PACKAGE, 'src')
const DIST = join(PACKAGE, 'dist')
const DRAFT = join(ROOT, 'node_modules', '.portcullis-dist')
const STAMP = join(DIST, '.built')

/** Says so when it has something to do. */
export function ensureBuilt() {
  const inputs = [join(PACKAGE, 'tsconfig.build.json'), join(PACKAGE, 'package.json'), ...filesOf(SOURCE)]
  const built = existsSync(STAMP) ? statSync(STAMP).mtimeMs : 0
  if (inputs.every((file) => statSync(file).mtimeMs <= built)) return
  console.log(built === 0 ? 'Building Portcullis (first start).' : 'Building Portcullis (its sources are newer).')
  rmSync(DRAFT, { recursive: true, force: true })
  const project = join(PACKAGE, 'tsconfig.build.json')
  const result = run(workspaceNode(), [tool('tsc'), '-p', project, '--outDir', DRAFT], { quiet: true })
  if (!result.ok) stop(`${result.output}\nThe sources do not compile.`, 70)
  copyData()
  writeFileSync(join(DRAFT, '.built'), '')
  rmSync(DIST, { recursive: true, force: true })
  renameSync(DRAFT, DIST)
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
