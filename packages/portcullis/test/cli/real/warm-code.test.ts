import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const module = fileURLToPath(new URL('../../../src/cli/warm-code.ts', import.meta.url))

/** Compiles a function for objects of which none is left, rests through some collections, and says whether it is still compiled. */
const PROGRAM = `
import { setImmediate } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { setFlagsFromString } from 'node:v8'
setFlagsFromString('--allow-natives-syntax')
setFlagsFromString('--expose-gc')
if (process.argv[1] !== undefined) (await import(process.argv[1])).keepCodeWarm()
const add = new Function('pair', 'return pair.first + pair.second')
const make = new Function('const pair = {}; pair.first = 1; pair.second = 2; return pair')
const ask = (what) => new Function('f', 'return %' + what + '(f)')
ask('PrepareFunctionForOptimization')(add)
for (let count = 0; count < 100; count++) add(make())
ask('OptimizeFunctionOnNextCall')(add)
add(make())
const before = ask('GetOptimizationStatus')(add)
const collect = runInNewContext('gc')
for (let count = 0; count < 8; count++) {
  collect()
  await setImmediate()
}
console.log(before === ask('GetOptimizationStatus')(add) ? 'compiled' : 'forgotten')
`

const told = async (...args: readonly string[]) => {
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '--eval', PROGRAM, ...args])
  return { stdout: stdout.trim(), stderr }
}

test('code stays compiled while nobody calls, and the engine knows every word that it is told', async () => {
  assert.deepEqual(await told(module), { stdout: 'compiled', stderr: '' })
})

test('by itself the engine would forget it', async () => {
  assert.equal((await told()).stdout, 'forgotten')
})
