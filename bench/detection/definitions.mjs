// Decides how many poisoned definitions the heuristics flag, and how many honest ones, source by source.
// `node bench/detection/definitions.mjs [--corpora folder] [--flagged]`
import { parseArgs } from 'node:util'
import { itemOf } from '../../packages/portcullis/src/inspection/definitions/item.ts'
import { suspicions } from '../../packages/portcullis/src/inspection/definitions/poisoning.ts'
import { openCorpora, wilson } from './corpora.mjs'

/** What is not benign is `undecided` in the development sets: servers built for attacks have honest tools too. */
export function measureDefinitions(corpora, tell = () => {}) {
  const sources = new Map()
  for (const { label, text, source } of corpora.definitions()) {
    const kind = label === 0 ? 'benign' : 'poisoned or beside it'
    const name = `${source} (${kind})`
    const count = sources.get(name) ?? { name, isBenign: label === 0, all: 0, flagged: 0 }
    const found = suspicions(itemOf('tool', { name: 'tool', description: text, inputSchema: { type: 'object' } }))
    count.all++
    if (found.length > 0) {
      count.flagged++
      tell(name, found)
    }
    sources.set(name, count)
  }
  return [...sources.values()]
}

export function total(counts) {
  return counts.reduce((sum, { all, flagged }) => ({ all: sum.all + all, flagged: sum.flagged + flagged }), {
    all: 0,
    flagged: 0,
  })
}

function line(name, { all, flagged }) {
  const [low, high] = wilson(flagged, all).map((share) => share.toFixed(2))
  return `${name.padEnd(44)} ${String(flagged).padStart(5)} of ${String(all).padStart(5)}  ${((100 * flagged) / all).toFixed(2).padStart(6)} %  (95 %: ${low} – ${high})`
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { corpora: { type: 'string' }, flagged: { type: 'boolean' } } })
  const corpora = openCorpora(values.corpora)
  if (corpora === undefined) {
    console.log('There are no corpora: name their folder with --corpora or PORTCULLIS_CORPORA. Nothing was measured.')
  } else {
    const tell = (name, found) =>
      console.log(`${name}: ${found.map(({ reason, evidence }) => `${reason} ${evidence}`).join('; ')}`)
    const counts = measureDefinitions(corpora, values.flagged === true ? tell : undefined)
    for (const count of counts) console.log(line(count.name, count))
    for (const isBenign of [false, true])
      console.log(
        line(
          `ALL ${isBenign ? 'benign' : 'poisoned or beside it'}`,
          total(counts.filter((one) => one.isBenign === isBenign)),
        ),
      )
  }
}
