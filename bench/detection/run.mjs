// npm run bench -- detection [--corpora folder]: what the inspection finds, what it disturbs and what it costs.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { openCorpora } from './corpora.mjs'
import { measureDefinitions, total } from './definitions.mjs'
import { judge } from './goals.mjs'
import { measureConfirmed, measureHonest } from './oracle/run.mjs'
import { measureOwn } from './own/measure.mjs'
import { writeReport } from './report.mjs'
import { finders, measureAlarms, measureAttacks, measureBypass, measureCosts } from './roles.mjs'
import { measureCalls, measureCost } from './whole-calls.mjs'

const args = process.argv.slice(3)
const at = args.indexOf('--corpora')
const folder = at < 0 ? undefined : args[at + 1]
const corpora = openCorpora(folder)
if (corpora === undefined) {
  console.error(
    'The development sets are not here: name their folder with --corpora or PORTCULLIS_CORPORA. Nothing was measured.',
  )
  process.exit(1)
}
const startedAt = new Date().toISOString()
const finderOf = finders()
const judged = await measureCalls(corpora)
const cost = measureCost(judged)
const costs = measureCosts(1_024)
const attacks = measureAttacks(corpora, finderOf)
const alarms = measureAlarms(corpora, finderOf)
const bypass = measureBypass(corpora, finderOf)
const own = measureOwn(finderOf)
const confirmed = await measureConfirmed(corpora)
const confirmedHonest = await measureHonest(corpora)
const counts = measureDefinitions(corpora)
const flagged = (isBenign) => {
  const { all, flagged: hits } = total(counts.filter((one) => one.isBenign === isBenign))
  return (100 * hits) / all
}
const verdict = (wanted) => judged.filter((one) => wanted(one.verdict)).length
const calls = {
  all: judged.length,
  blockedCount: verdict((one) => one === 'refuse'),
  flaggedCount: verdict((one) => one !== 'allow'),
}
calls.blocked = (100 * calls.blockedCount) / calls.all
calls.flagged = (100 * calls.flaggedCount) / calls.all
const measured = {
  startedAt,
  attacks,
  own,
  confirmed,
  confirmedHonest,
  alarms,
  bypass,
  calls,
  cost,
  costs,
  definitions: { counts, poisoned: flagged(false), honest: flagged(true) },
}
const goals = judge(measured)
const others = ['sql.mjs', 'scalars.mjs'].map((script) => ({ script, output: outputOf(script) }))
writeReport({ ...measured, goals, others })
for (const { title, wanted, value, unit, met } of goals)
  console.log(`${met ? 'met   ' : 'MISSED'} ${title}: ${value.toFixed(2)}${unit} (${wanted})`)
console.log('Written: bench/DETECTION.md')

/** What a script that measures one room by itself prints. */
function outputOf(script) {
  const named = folder === undefined ? [] : ['--corpora', folder]
  const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, script), ...named], {
    encoding: 'utf8',
    maxBuffer: 16_777_216,
  })
  return status === 0 ? stdout : `${stdout}\n(ended with status ${status})`
}
