// npm run bench: the first word selects a suite; without one it is that of the calls. The methods are in README.md.
const SUITES = { sandbox: './sandbox/run.mjs' }

await import(SUITES[process.argv[2]] ?? './calls.mjs')
