// How long policies take to be loaded: when Cedar has never seen them, when it was asked before, when only tools changed.
import { UPSTREAM } from './ground.mjs'
import { loadEngine, remembering, toolList } from './policies.mjs'

/** Wall time and processor time in milliseconds, one run of each. */
export async function measureLoading(opened) {
  const { config, answers, engine, size } = opened
  const fresh = await timed(() => loadEngine(config, remembering()))
  const again = await timed(() => loadEngine(config, remembering(answers, SILENT)))
  const changed = toolList(' differently')
  const redefined = await timed(() => engine.withDefinitions(new Map([[UPSTREAM, changed]])))
  return { size, fresh, again, redefined }
}

/** Nothing is left to ask when the answers are remembered. */
const SILENT = { parse: missing, validate: missing, print: missing }

function missing() {
  throw new Error('this was to be remembered')
}

async function timed(work) {
  const [started, before] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(before)
  return { ms: performance.now() - started, cpuMs: (user + system) / 1_000 }
}
