// Which options the suite of the sandbox has, and what they mean.
import { parseArgs } from 'node:util'

const USAGE = `npm run bench -- sandbox [options]
  --launches N    launches of each way to start a server, in shuffled turns (40)
  --rounds N      rounds of round trips (30)
  --only a,b      ways whose name contains one of these (the bare process is always measured)
  --quick         5 launches, 3 rounds: to see that it runs, not to quote`

/** Options of a run; anything unknown ends the process with the usage. */
export function readOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        launches: { type: 'string' },
        rounds: { type: 'string' },
        only: { type: 'string', default: '' },
        quick: { type: 'boolean', default: false },
      },
    })
    return {
      quick: values.quick,
      launches: Number(values.launches ?? (values.quick ? 5 : 40)),
      rounds: Number(values.rounds ?? (values.quick ? 3 : 30)),
      only: values.only.split(',').filter((word) => word !== ''),
    }
  } catch (problem) {
    console.error(`${problem.message}\n\n${USAGE}`)
    process.exit(2)
  }
}
