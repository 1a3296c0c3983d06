// Which options the bench has, and what they mean.

const USAGE = `npm run bench -- [options]
npm run bench -- sandbox [--launches N] [--rounds N] [--only a,b] [--quick]   (sandbox/options.mjs)
npm run bench -- audit [the options below; callers 1,16,64, rounds 4, warmup 12000]
npm run bench -- identity [--rounds N] [--quick]                              (identity/options.mjs)
npm run bench -- masking [--corpora folder] [--show kind]                     (masking.mjs)
  --only a,b      targets whose name contains one of these (the bare proxy is always measured)
  --rounds N      interleaved rounds (7)
  --seconds N     seconds of one measurement (2)
  --callers a,b   concurrent callers (16,64)
  --warmup N      requests to each target before anything is measured (40000)
  --skip a,b      parts to leave out: load, cold, idle
  --quick         1 round of 1 second, 4000 requests of warm-up, few streams: to see that it runs, not to quote`

const FULL = {
  rounds: 7,
  seconds: 2,
  callers: [16, 64],
  warmup: 40_000,
  coldStarts: 7,
  streams: { http1: 400, http2: 4_000 },
}
const QUICK = {
  rounds: 1,
  seconds: 1,
  callers: [16, 64],
  warmup: 4_000,
  coldStarts: 2,
  streams: { http1: 200, http2: 1_000 },
}

/** Options of a run; anything unknown ends the process with the usage. */
export function readOptions(args) {
  const given = parse(args)
  const base = given.quick === undefined ? FULL : QUICK
  return {
    quick: given.quick !== undefined,
    only: list(given.only),
    skip: list(given.skip),
    rounds: number(given.rounds, base.rounds),
    seconds: number(given.seconds, base.seconds),
    callers: given.callers === undefined ? base.callers : list(given.callers).map(Number),
    warmup: number(given.warmup, base.warmup),
    coldStarts: base.coldStarts,
    streams: base.streams,
  }
}

function parse(args) {
  const known = new Set(['only', 'skip', 'rounds', 'seconds', 'callers', 'warmup', 'quick'])
  const given = {}
  for (let index = 0; index < args.length; index++) {
    const name = args[index].replace(/^--/, '')
    if (!args[index].startsWith('--') || !known.has(name)) usage(args[index])
    given[name] = name === 'quick' ? '' : args[++index]
  }
  return given
}

function usage(wrong) {
  console.error(`Unknown option ${wrong}\n\n${USAGE}`)
  process.exit(2)
}

function list(value) {
  return value === undefined ? [] : value.split(',').filter((item) => item !== '')
}

function number(value, otherwise) {
  return value === undefined ? otherwise : Number(value)
}
