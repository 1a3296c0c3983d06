/** npm run check: everything that needs no running gateway, in under two minutes. `--write` formats and regenerates first. */
import { join } from 'node:path'
import { ensurePackages } from './install.mjs'
import { runSteps } from './steps.mjs'
import { ROOT, run, tool, workspaceNode } from './workspace.mjs'

ensurePackages()
if (process.argv.includes('--write')) {
  run(workspaceNode(), [join(ROOT, 'scripts', 'docs.mjs')])
  run(workspaceNode(), [tool('biome'), 'format', '--write', '.'])
}
const { broken, passed, failed } = await runSteps()
process.exit(broken === 0 && failed === 0 && passed > 0 ? 0 : 1)
