// Measures our own attacks and honest values: `node bench/detection/own/run.mjs [--half development|held-out] [--lost] [--family sql]`.
import { parseArgs } from 'node:util'
import { wilson } from '../corpora.mjs'
import { finders } from '../roles.mjs'
import { measureOwn, OWN } from './measure.mjs'

const { values } = parseArgs({
  options: { half: { type: 'string' }, lost: { type: 'boolean' }, family: { type: 'string' } },
})
for (const row of measureOwn(
  finders(),
  Object.keys(OWN).filter((name) => values.family === undefined || name === values.family),
)) {
  if (values.half !== undefined && row.half !== values.half) continue
  const [low, high] = wilson(row.found, row.all)
  console.log(
    `${row.family.padEnd(10)} ${row.half.padEnd(12)} ${row.role.padEnd(10)} ${row.technique.padEnd(14)} ${String(row.found).padStart(5)} of ${String(row.all).padEnd(5)} ${((100 * row.found) / row.all).toFixed(2).padStart(6)} % [${low.toFixed(1)}, ${high.toFixed(1)}]`,
  )
  // What is held out must not be looked at.
  if (values.lost && row.half === 'development' && row.technique !== 'all')
    for (const text of row.family === 'honest' ? row.hit : row.lost) console.log('        ', JSON.stringify(text))
}
