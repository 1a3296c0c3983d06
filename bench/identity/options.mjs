// Which options the suite of identity has, and what they mean.
import { parseArgs } from 'node:util'

const USAGE = `npm run bench -- identity [options]
  --rounds N      interleaved rounds (7)
  --quick         1 round of a tenth of the calls: to see that it runs, not to quote`

const QUICK_SCALE = 0.1

/** Options of a run; anything unknown ends the process with the usage. */
export function readOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: { rounds: { type: 'string' }, quick: { type: 'boolean', default: false } },
    })
    const { quick, rounds } = values
    return { quick, rounds: Number(rounds ?? (quick ? 1 : 7)), scale: quick ? QUICK_SCALE : 1 }
  } catch (problem) {
    console.error(`${problem.message}\n\n${USAGE}`)
    process.exit(2)
  }
}
