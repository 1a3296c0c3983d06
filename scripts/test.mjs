/** npm test: installs what is missing, runs the steps of `npm run check`, then every test with its real components. */
import { ensureBuilt } from './build.mjs'
import {
  ensureChromium,
  ensurePackages,
  ensurePodman,
  ensurePostgres,
  ensureRedis,
  ensureSandbox,
  ensureWitnesses,
} from './install.mjs'
import { runSteps, say } from './steps.mjs'
import { added, runTests, testFiles } from './suite.mjs'

ensurePackages()
ensureSandbox()
ensurePodman()
ensureChromium()
ensureRedis()
ensurePostgres()
ensureWitnesses()
ensureBuilt()
const checked = await runSteps({ showFiles: true })
const started = performance.now()
const files = testFiles()
// The longest file takes a minute and a half: what takes ten is stuck, and must not take the others' time.
const besideAnother = await runTests(files.real, { concurrency: 2, showFiles: true, maxSeconds: 600 })
const alone = await runTests(files.alone, { concurrency: 1, showFiles: true, maxSeconds: 600 })
const real = added([besideAnother, alone])
say('real parts', real.failed === 0, started, `${real.passed} passed, ${real.failed} failed`)

const passed = checked.passed + real.passed + checked.steps - checked.broken
const failed = checked.failed + real.failed + checked.broken
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && checked.passed > 0 ? 0 : 1)
