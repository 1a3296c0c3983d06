// npm run bench: the first word selects a suite; without one it is that of the calls. The methods are in README.md.
const SUITES = {
  identity: './identity/run.mjs',
  sandbox: './sandbox/run.mjs',
  detection: './detection/run.mjs',
  'event-loop': './event-loop.mjs',
}

await import(SUITES[process.argv[2]] ?? './calls.mjs')
