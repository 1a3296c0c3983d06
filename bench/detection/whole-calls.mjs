// Decides what a whole benign call costs and whether it is disturbed: roles as they are proposed, verdicts as they are by default.
// `node bench/detection/whole-calls.mjs [--corpora folder] [--alarms]`
import { performance } from 'node:perf_hooks'
import { roleInspectors } from '../../packages/portcullis/src/inspection/all-detectors.ts'
import { ArgumentPlans } from '../../packages/portcullis/src/inspection/argument-plan.ts'
import { ArgumentWalk, pointerTo } from '../../packages/portcullis/src/inspection/argument-walk.ts'
import { worst } from '../../packages/portcullis/src/inspection/recorded-finding.ts'
import { openCorpora, wilson } from './corpora.mjs'

/** Of calls by the verdict that they would meet: how many, and which. */
export async function measureCalls(corpora) {
  const plans = new ArgumentPlans({ upstreams: {} }, roleInspectors())
  const rows = corpora.calls()
  const judged = []
  for (const row of rows) {
    const plan = await plans.of(toolOf(row))
    const walk = new ArgumentWalk(plan, row.args)
    await walk.finish(async () => undefined)
    judged.push({ ...row, plan, found: walk.judged, verdict: worst(walk.judged) })
  }
  return judged
}

/** The tool as its schema would be: the sets have calls and no schemas, so the types are those of the values. */
function toolOf({ name, args }) {
  const inputSchema = schemaOf(args)
  return { upstream: 'bench', name, inputSchema, raw: { name }, digest: JSON.stringify([name, inputSchema]) }
}

function schemaOf(value) {
  if (Array.isArray(value)) return { type: 'array', items: value.length === 0 ? {} : schemaOf(value[0]) }
  if (value === null || typeof value !== 'object') return { type: value === null ? 'null' : typeof value }
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, schemaOf(inner)])),
  }
}

/** Microseconds of CPU for one call of about a kilobyte, and for the slowest kind of the same size. */
export function measureCost(judged, rounds = 30) {
  const calls = judged.filter(({ plan }) => plan.usable)
  const kilobyte = calls.map(({ plan, args }) => ({ plan, args: grown(args) }))
  const inspect = ({ plan, args }) => new ArgumentWalk(plan, args)
  for (let round = 0; round < 3; round++) for (const call of kilobyte) inspect(call)
  const { user } = process.cpuUsage()
  const from = performance.now()
  for (let round = 0; round < rounds; round++) for (const call of kilobyte) inspect(call)
  const wall = performance.now() - from
  const cpu = process.cpuUsage().user - user
  const bytes = kilobyte.reduce((sum, { args }) => sum + JSON.stringify(args).length, 0) / kilobyte.length
  return { microseconds: cpu / rounds / kilobyte.length, wall: (wall * 1000) / rounds / kilobyte.length, bytes }
}

/** A call with enough of its own text to be about a kilobyte: its longest string is repeated. */
function grown(args) {
  const text = JSON.stringify(args)
  const [name] = Object.entries(args).toSorted(([, a], [, b]) => String(b).length - String(a).length)[0] ?? []
  if (name === undefined || typeof args[name] !== 'string' || args[name] === '' || text.length > 1024) return args
  const times = Math.ceil((1024 - text.length) / (args[name].length + 1)) + 1
  return { ...args, [name]: Array(times).fill(args[name]).join(' ') }
}

export const share = (hits, all) => {
  const [low, high] = wilson(hits, all)
  return `${hits} of ${all} (${((100 * hits) / Math.max(1, all)).toFixed(2)} %, 95 % within ${low.toFixed(2)}–${high.toFixed(2)} %)`
}

if (process.argv[1] === import.meta.filename) {
  const args = process.argv.slice(2)
  const at = args.indexOf('--corpora')
  const corpora = openCorpora(at < 0 ? undefined : args[at + 1])
  if (corpora === undefined) {
    console.error('The development sets are not here. Name their folder: --corpora <folder>')
    process.exit(1)
  }
  const judged = await measureCalls(corpora)
  for (const [source, all] of Object.entries(Object.groupBy(judged, ({ source: name }) => name))) tell(source, all)
  tell('all', judged)
  const { microseconds, bytes } = measureCost(judged)
  console.log(`CPU: ${microseconds.toFixed(1)} µs for a call of ${bytes.toFixed(0)} bytes`)
  if (args.includes('--alarms')) {
    for (const { name, found } of judged)
      for (const { leaf, sighting, verdict } of found)
        console.log(
          verdict,
          leaf.station.role,
          `${name}${pointerTo(leaf)}`,
          sighting.reason,
          sighting.weight,
          JSON.stringify(leaf.text).slice(0, 140),
        )
  }
}

function tell(source, all) {
  const by = (verdict) => all.filter((one) => one.verdict === verdict).length
  console.log(
    `${source.padEnd(12)} blocked ${share(by('refuse'), all.length)}; flagged ${share(all.length - by('allow'), all.length)}`,
  )
}
